"""A request and its response, masked. `from_parts` is the only way to make one of real messages. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from examples.webapp.picture import mask

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response, as it was sent: with its secrets. It is never stored."""

    headers: Mapping[str, str]
    body: str = ""

    def header(self, name: str) -> str:
        """Return the value of a header, or "" if it is missing."""
        return next((value for each, value in self.headers.items() if each.lower() == name), "")


@dataclass(frozen=True, slots=True)
class DecodedToken:
    """The access token of an exchange: header and claims as JSON, without the signature."""

    kid: str
    header: str
    claims: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A masked request and response. `kind` is a name of `steps.KINDS`."""

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
    """Return the masked exchange, with the access token that it carries, decoded."""
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
    """Return the access token of a token response, or "" if the body is none."""
    try:
        response: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    token = response.get("access_token") if isinstance(response, dict) else None
    return token if isinstance(token, str) else ""
