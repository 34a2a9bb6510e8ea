"""An exchange: an HTTP request and its response, without secrets. Pure.

Only `from_parts` makes an exchange from real messages.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from examples.webapp.picture import mask

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """Headers and body of a request or a response, unmasked. A Message is never stored."""

    headers: Mapping[str, str]
    body: str = ""

    def header(self, name: str) -> str:
        """Return the value of the header `name` (in lower case), or "" if the header is missing."""
        return next((value for each, value in self.headers.items() if each.lower() == name), "")


@dataclass(frozen=True, slots=True)
class DecodedToken:
    """The header and the claims of an access token, as JSON texts, without the signature.

    The token is from a request or from a token response.
    """

    kid: str
    header: str
    claims: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """An HTTP request and its response, both masked. `kind` is a name of `steps.KINDS`."""

    kind: str
    method: str
    url: str
    status: int
    request_headers: Pairs = ()
    request_body: str = ""
    response_headers: Pairs = ()
    response_body: str = ""
    token: DecodedToken | None = None

    @property
    def challenge(self) -> str:
        """Return the WWW-Authenticate header of the response, or "" if it has none."""
        return next((value for name, value in self.response_headers if name.lower() == "www-authenticate"), "")


def from_parts(kind: str, method: str, url: str, status: int, sent: Message, received: Message) -> Exchange:
    """Return the request `sent` and the response `received` as an Exchange, masked.

    If one of the two contains an access token, the Exchange also has the header and the claims of the token.
    """
    named = kind == "token"
    return Exchange(
        kind=kind,
        method=method,
        url=mask.mask_url(url),
        status=status,
        request_headers=mask.mask_headers(sent.headers),
        request_body=mask.mask_body(sent.body, sent.header("content-type"), named=named),
        response_headers=mask.mask_headers(received.headers),
        response_body=mask.mask_body(received.body, received.header("content-type"), named=named),
        token=_token(sent, received),
    )


def _token(sent: Message, received: Message) -> DecodedToken | None:
    scheme, _, token = sent.header("authorization").partition(" ")
    if scheme.lower() != "bearer":
        token = _issued(received.body)
    parts = mask.decoded(token)
    if parts is None:
        return None
    header, claims = (json.dumps(part, indent=2, ensure_ascii=False) for part in parts)
    return DecodedToken(str(parts[0].get("kid", "")), header, claims)


def _issued(body: str) -> str:
    """Return the access token in the body of a token response, or "" if the body is not a token response."""
    try:
        response: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    token = response.get("access_token") if isinstance(response, dict) else None
    return token if isinstance(token, str) else ""
