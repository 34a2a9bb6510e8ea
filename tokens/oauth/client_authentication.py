"""Step 3. The client proves who it is before it asks for a token: by its secret, in one way per request.

Public clients have nothing to prove it with: they name themselves, and PKCE protects what they fetch.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_to_bytes

from tokens.errors import InvalidClient, OAuthError
from tokens.models import Client
from tokens.oauth import client_secret

SECRET_METHODS = ("client_secret_basic", "client_secret_post")
METHODS = (*SECRET_METHODS, "none")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says about its client: a name, and a secret or None where it shows none."""

    client_id: str
    secret: str | None


def authenticate(authorization: str | None, form: Mapping[str, str], *, now: datetime) -> Client:
    """The client of a request, proven; `authorization` is the header, `form` the body's parameters.

    Raises InvalidClient for whatever fails, in one way and with the same work for clients that do not exist, and
    OAuthError invalid_request for a request that uses two methods (RFC 6749 section 2.3).
    """
    presented = credentials(authorization, form)
    client = Client.objects.filter(client_id=presented.client_id, is_active=True).first()
    if presented.secret is None:
        proven = client is not None and client.client_type == Client.CLIENT_PUBLIC
    else:
        # A client that proves itself in another way is compared like one that does not exist: with the same work.
        by_secret = client is not None and client.token_endpoint_auth_method in SECRET_METHODS
        proven = client_secret.matches(client if by_secret else None, presented.secret, now=now)
    if client is None or not proven:
        raise InvalidClient
    return client


def credentials(authorization: str | None, form: Mapping[str, str]) -> Credentials:
    """The client's name and secret, from the header or from the body, and never from both."""
    if authorization is None:
        if "client_id" not in form:
            raise InvalidClient
        return Credentials(form["client_id"], form.get("client_secret"))
    if "client_secret" in form:
        raise OAuthError("invalid_request", "Authenticate the client in one way: by the header or in the body.")
    basic = _basic(authorization)
    if form.get("client_id", basic.client_id) != basic.client_id:
        raise OAuthError("invalid_request", "The header and the body name different clients.")
    return basic


def _basic(authorization: str) -> Credentials:
    """Name and secret of a Basic header, each form-encoded inside it (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient
    try:
        name, colon, secret = base64.b64decode(encoded.strip(" "), validate=True).partition(b":")
        decoded = Credentials(_form_decode(name), _form_decode(secret))
    except (binascii.Error, ValueError):
        raise InvalidClient from None
    if not (colon and decoded.client_id and decoded.secret) or "\0" in decoded.client_id:
        raise InvalidClient
    return decoded


def _form_decode(value: bytes) -> str:
    return unquote_to_bytes(value.replace(b"+", b" ")).decode()
