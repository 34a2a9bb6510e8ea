"""The answer to an authorization request, as a redirect to the client that names the issuer (RFC 9207)."""

from collections.abc import Mapping
from urllib.parse import unquote_plus, urlencode

from tokens.authorize.request import AuthorizationRequest
from tokens.errors import OAuthError


def success(asked: AuthorizationRequest, code: str, *, issuer: str) -> str:
    """The redirect URI with the code (RFC 6749 section 4.1.2)."""
    return with_parameters(asked.redirect_uri, {"code": code, "state": asked.state, "iss": issuer})


def failure(error: OAuthError, redirect_uri: str, state: str | None, *, issuer: str) -> str:
    """The redirect URI with the error (RFC 6749 section 4.1.2.1)."""
    told = {"error": error.error, "error_description": error.description or None, "state": state, "iss": issuer}
    return with_parameters(redirect_uri, told)


def with_parameters(uri: str, parameters: Mapping[str, str | None]) -> str:
    """`uri` with the parameters that have a value; its own query is retained as it is (RFC 6749 section 3.1.2).

    One of its own that has the name of an added one gives way, so that each has one meaning.
    """
    added = {name: value for name, value in parameters.items() if value is not None}
    if not added:
        return uri
    address, _, query = uri.partition("?")
    own = [part for part in query.split("&") if unquote_plus(part.partition("=")[0]) not in added]
    return f"{address}?{'&'.join([*(own if query else []), urlencode(added)])}"
