"""The error responses that the front makes itself, in the event loop and without Django: JSON, or a page."""

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
    """Raised by the front to refuse a request with the HTTP status `status`.

    `error` is an error code of RFC 6749, and `text` names the remedy. `retry_after` is in seconds. `ends_connection` is
    True if a part of the body was not read. `reason` is the reason for the audit log, and is empty unless the status is
    503.
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
    """An error response of the front."""

    status: int
    headers: Headers
    body: bytes


def refusal(refused: Refused, *, path: str, accept: str) -> Refusal:
    """Return the response for `refused`: a page if the client accepts HTML, else JSON.

    For a path below PUBLIC, the response is always JSON. The JSON has the text in `error_description` for a path below
    OAUTH (RFC 6749 section 5.2), else in `detail`.
    """
    if "text/html" in accept and not path.startswith(PUBLIC):
        kind, body = "text/html; charset=utf-8", PAGE.format(title=TITLES[refused.status], text=refused.text)
    else:
        name = "error_description" if path.startswith(OAUTH) else "detail"
        kind, body = "application/json", json.dumps({"error": refused.error, name: refused.text})
    headers = [("Content-Type", kind), *COMMON]
    if refused.retry_after:
        headers.append(("Retry-After", str(refused.retry_after)))
    if refused.ends_connection:
        headers.append(("Connection", "close"))
    if path.startswith((PUBLIC, OAUTH)):  # pages of other origins may read the error, which contains no secret
        headers += [("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "Retry-After")]
    return Refusal(refused.status, headers, body.encode())
