"""Requests that the API has to refuse. Each can be sent by a client, without any right of an issuer or an operator.

A client can refresh with fewer scopes, send an old token, change a token's text, and revoke its own token. It cannot
sign a token, and it has no right to rotate the issuer's keys.

Each function gets the browser's request and the session's access token. It returns the token that it has sent to the
API.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from django.http import HttpRequest

from examples.webapp import login, logout, notes
from examples.webapp.picture import forgery


def send(_request: HttpRequest, token: str) -> str:
    """Send the session's token to the API unchanged, for example after it has expired. Returns this token."""
    notes.read(token)
    return token


def wrong_scope(request: HttpRequest, _token: str) -> str:
    """Refresh with only the scope for reading (RFC 6749 section 6), and try to write a note with the new token.

    Returns the new token.
    """
    response = login.oauth.issuer.fetch_access_token(
        grant_type="refresh_token", refresh_token=request.session.get("refresh_token"), scope="notes:read"
    )
    request.session["refresh_token"] = response.get("refresh_token") or request.session.get("refresh_token")
    token = str(response["access_token"])
    notes.write(token, title="A note that the API refuses", body="")
    return token


def tampered(_request: HttpRequest, token: str) -> str:
    """Send the token to the API with a further scope and the old signature. Returns the changed token."""
    return send(_request, forgery.tampered(token))


def unknown_kid(_request: HttpRequest, token: str) -> str:
    """Send the token to the API with a `kid` that the issuer does not publish. Returns the changed token."""
    return send(_request, forgery.unknown_kid(token))


def revoked(_request: HttpRequest, token: str) -> str:
    """Revoke the token (RFC 7009), and send it to the API. Returns the token. The revocation is idempotent."""
    metadata = login.oauth.issuer.load_server_metadata()
    logout.revoke(token, metadata["revocation_endpoint"])
    return send(_request, token)


EXPIRED = "expired"
"""The break that sends the session's access token without a refresh, even if the token has expired."""
BREAKS: Mapping[str, Callable[[HttpRequest, str], str]] = MappingProxyType(
    {
        "send": send,
        "scope": wrong_scope,
        EXPIRED: send,
        "tampered": tampered,
        "kid": unknown_kid,
        "revoked": revoked,
    }
)
