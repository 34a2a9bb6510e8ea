"""Signed authorization requests (RFC 9101). The parameter `request` contains a request object.

A request object is a JWT that has the request's parameters as claims, and that a registered key of the client signed.

- The client is known before the object is read: by `client_id` in the URL, or by client authentication.
- Only a client with keys can send request objects. For any other client, the parameter `request` is unsupported.
- Parameters outside of the object are ignored. `unfold` returns the object's parameters as the query of an ordinary
  request.
- The `jti` is not recorded. A replayed object only repeats the same request, and `state`, PKCE and nonce bind the
  answer to the client's session. If a request must be used only once, its client pushes it and sends the `request_uri`.
"""

from datetime import datetime

from django.utils.http import urlencode

from tokens import conf, parameters
from tokens.clients import private_key_jwt, request_object
from tokens.clients.assertion import InvalidAssertion
from tokens.errors import OAuthError
from tokens.models import Client

NAMES = parameters.AUTHORIZATION - {"request", "request_uri"}
INVALID = "The request object is not valid: {reason}."
NOT_SIGNED = "Send the authorization request as a request object that a key of the client signed (RFC 9101)."


def is_possible(client: Client | None) -> bool:
    """Return True if the client has registered keys, by which it can sign requests. Returns False for None."""
    return client is not None and client.has_keys


def unfold(text: str, client: Client, *, now: datetime) -> str:
    """Verify the request object `text` of the client, and return its parameters as a query string.

    `now` is the database's clock. Raises OAuthError invalid_request_object if the object is not valid, and Unavailable
    if the client's keys are still being fetched.
    """
    try:
        parsed = request_object.read(text)
        keys = private_key_jwt.keys(client, kid=parsed.header.get("kid"))
        if not parsed.verified(keys, stand_in=private_key_jwt.stand_in(parsed.header["alg"])):
            raise InvalidAssertion("no key of its client signed it")  # noqa: TRY301 (translated below, as the others)
        private_key_jwt.require_profile(parsed, client)
        request_object.check(parsed, client.client_id, issuer=conf.issuer().url, now=now)
        return urlencode(request_object.parameters(parsed.claims, NAMES))
    except InvalidAssertion as error:
        raise OAuthError("invalid_request_object", INVALID.format(reason=error)) from error


def require(client: Client, *, is_signed: bool) -> None:
    """Raise OAuthError invalid_request if the client must sign its requests and `is_signed` is False.

    See RFC 9101 section 10.5.
    """
    if client.require_signed_request_object and not is_signed:
        raise OAuthError("invalid_request", NOT_SIGNED)
