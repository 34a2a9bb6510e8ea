"""The authorization response: a redirect to the client that names the issuer (RFC 9207)."""

from collections.abc import Mapping
from urllib.parse import unquote_plus, urlencode

from tokens.authorize.request import AuthorizationRequest
from tokens.errors import OAuthError


def success(request: AuthorizationRequest, code: str, *, issuer: str) -> str:
    """Return the redirect URI with the code (RFC 6749 section 4.1.2)."""
    return with_parameters(request.redirect_uri, {"code": code, "state": request.state, "iss": issuer})


def failure(error: OAuthError, redirect_uri: str, state: str | None, *, issuer: str) -> str:
    """Return the redirect URI with the error (RFC 6749 section 4.1.2.1)."""
    description = error.description or None
    parameters = {"error": error.error, "error_description": description, "state": state, "iss": issuer}
    return with_parameters(redirect_uri, parameters)


def with_parameters(uri: str, parameters: Mapping[str, str | None]) -> str:
    """Return `uri` with the parameters that have a value, after its own query (RFC 6749 section 3.1.2)."""
    added = {name: value for name, value in parameters.items() if value is not None}
    if not added:
        return uri
    address, _, query = uri.partition("?")
    # A parameter of the registered URI gives way to an added parameter of the same name: a client that reads only the
    # first would take a registered `code` or `state` for the response's.
    own = [part for part in query.split("&") if unquote_plus(part.partition("=")[0]) not in added]
    return f"{address}?{'&'.join([*(own if query else []), urlencode(added)])}"
