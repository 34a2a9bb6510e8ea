"""The credentials of a request, read once from its header and body. Nothing is verified here.

The rate limit and the log use the client that they name.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from tokens.errors import InvalidClient, OAuthError

NOT_BASIC = "the Authorization header is not Basic"
MALFORMED = "the Authorization header is malformed"


@dataclass(frozen=True, slots=True)
class Presented:
    """A client's name, and its secret; None if the client only names itself."""

    client_id: str
    secret: str | None = field(repr=False)
    in_header: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The credentials of a request, as they were sent: nothing is verified, and they can contradict each other."""

    has_header: bool
    name: str | None = None
    """The client_id in header or body. Empty if a Basic header is malformed, None if neither has one."""
    basic: Presented | None = None
    """Name and secret of a Basic header; None if there is none, or it is malformed."""
    problem: str = ""
    """Why the header gives no name and secret: NOT_BASIC or MALFORMED."""
    client_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)
    assertion_type: str | None = None

    @property
    def proves(self) -> bool:
        """Return True if the request has more than a name to authenticate its client."""
        return self.has_header or bool(self.secret or self.assertion or self.assertion_type)


def read(authorization: str | None, form: Mapping[str, str]) -> Credentials:
    """Read the credentials of a request from its `Authorization` header and the parameters of its body."""
    basic, problem = (None, "") if authorization is None else _basic(authorization)
    # A malformed Basic header names nobody: without a colon, all of it might be a secret.
    in_header = basic.client_id if basic else "" if problem == MALFORMED else None
    return Credentials(
        has_header=authorization is not None,
        name=form.get("client_id") if in_header is None else in_header,
        basic=basic,
        problem=problem,
        client_id=form.get("client_id"),
        secret=form.get("client_secret"),
        assertion=form.get("client_assertion"),
        assertion_type=form.get("client_assertion_type"),
    )


def presented(credentials: Credentials) -> Presented:
    """Return the client's name and secret, from the header or from the body.

    Raises InvalidClient if there is no name, and OAuthError invalid_request if header and body contradict each other.
    """
    if not credentials.has_header:
        if not credentials.client_id:
            raise InvalidClient("the request names no client")
        return Presented(credentials.client_id, credentials.secret)
    if credentials.secret:
        raise OAuthError("invalid_request", "Authenticate the client in one way: by the header or in the body.")
    if credentials.basic is None:
        raise InvalidClient(credentials.problem)
    if credentials.client_id not in {None, credentials.basic.client_id}:
        raise OAuthError("invalid_request", "The header and the body name different clients.")
    return credentials.basic


def _basic(authorization: str) -> tuple[Presented | None, str]:
    """Return name and secret of a Basic header, each form-encoded inside it (RFC 6749 section 2.3.1), or a problem."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None, NOT_BASIC
    try:
        name, colon, secret = base64.b64decode(encoded.strip(" "), validate=True).partition(b":")
        client_id = unquote_to_bytes(name.replace(b"+", b" ")).decode()
        text = unquote_to_bytes(secret.replace(b"+", b" ")).decode()
    except (binascii.Error, ValueError):
        return None, MALFORMED
    # An empty secret is compared like any other wrong one: libraries send it for public clients.
    if not (colon and client_id) or "\0" in client_id:
        return None, MALFORMED
    return Presented(client_id, text, in_header=True), ""
