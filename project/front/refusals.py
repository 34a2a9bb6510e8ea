"""Answers that the front gives itself, without a thread and without Django: JSON, or a page for a browser."""

import json
from dataclasses import dataclass

OAUTH = "/oauth/"
PUBLIC = "/.well-known/"
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    "<body><h1>{title}</h1><p>{text}</p></body></html>\n"
)
TITLES = {
    400: "This request cannot be read",
    408: "This took too long",
    413: "This is too large",
    503: "This service is busy",
}
COMMON = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)

Headers = list[tuple[str, str]]


class Refused(Exception):
    """The front answers `status` itself. `error` is the code of RFC 6749; `text` names the remedy.

    `retry_after` is in seconds. `ends_connection` is True if a part of the body is still unread. `reason` is for the
    operator, and set for a 503.
    """

    def __init__(
        self,
        status: int,
        error: str,
        text: str,
        *,
        retry_after: int = 0,
        ends_connection: bool = False,
        reason: str = "",
    ) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.text = text
        self.retry_after = retry_after
        self.ends_connection = ends_connection
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of the front as bytes."""

    status: int
    headers: Headers
    body: bytes


def refusal(why: Refused, *, path: str, accept: str) -> Refusal:
    """Return the answer for `why`, in the form that `path` has: a page for a browser, else JSON.

    The issuer's endpoints name the reason `error_description` (RFC 6749 section 5.2), an API names it `detail`.
    """
    if "text/html" in accept and not path.startswith(PUBLIC):
        kind, body = "text/html; charset=utf-8", PAGE.format(title=TITLES[why.status], text=why.text)
    else:
        name = "error_description" if path.startswith(OAUTH) else "detail"
        kind, body = "application/json", json.dumps({"error": why.error, name: why.text})
    headers = [("Content-Type", kind), *COMMON]
    if why.retry_after:
        headers.append(("Retry-After", str(why.retry_after)))
    if why.ends_connection:
        headers.append(("Connection", "close"))
    if path.startswith((PUBLIC, OAUTH)):  # any page of another origin may read why there is no answer: it is no secret
        headers += [("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "Retry-After")]
    return Refusal(why.status, headers, body.encode())
