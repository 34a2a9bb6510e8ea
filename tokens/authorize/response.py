"""The authorization response to a client: a redirect or a form. The response names the issuer (RFC 9207)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus, urlencode

from tokens.authorize.request import AuthorizationRefused, AuthorizationRequest
from tokens.authorize.response_mode import FORM_POST
from tokens.errors import OAuthError


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """A code or an error for a client. The caller has validated the redirect URI."""

    redirect_uri: str
    mode: str
    parameters: Mapping[str, str]

    @property
    def is_form(self) -> bool:
        """Return True if the browser sends the parameters as a form (OAuth 2.0 Form Post Response Mode)."""
        return self.mode == FORM_POST

    @property
    def address(self) -> str:
        """Return the URL that gets the response. Its query has the parameters, unless they are sent as a form."""
        if self.is_form:
            return without_parameters(self.redirect_uri, self.parameters)
        return with_parameters(self.redirect_uri, self.parameters)


def success(request: AuthorizationRequest, code: str, *, issuer: str) -> AuthorizationResponse:
    """Return the response with the code (RFC 6749 section 4.1.2)."""
    parameters = _present({"code": code, "state": request.state, "iss": issuer})
    return AuthorizationResponse(request.redirect_uri, request.response_mode, parameters)


def failure(
    error: OAuthError, request: AuthorizationRequest | AuthorizationRefused, *, issuer: str
) -> AuthorizationResponse:
    """Return the response with the error (RFC 6749 section 4.1.2.1). `request` must have a valid redirect URI."""
    description = error.description or None
    parameters = {"error": error.error, "error_description": description, "state": request.state, "iss": issuer}
    return AuthorizationResponse(request.redirect_uri or "", request.response_mode, _present(parameters))


def with_parameters(uri: str, parameters: Mapping[str, str | None]) -> str:
    """Add the parameters that are not None to the query of `uri`, and return the result (RFC 6749 section 3.1.2)."""
    added = _present(parameters)
    if not added:
        return uri
    address, _, query = without_parameters(uri, added).partition("?")
    return f"{address}?{'&'.join([*([query] if query else []), urlencode(added)])}"


def without_parameters(uri: str, names: Collection[str]) -> str:
    """Remove the parameters that are in `names` from the query of `uri`, and return the result."""
    # A parameter of the registered URI gives way to a parameter of the response: a client that reads only the first
    # would take a registered `code` or `state` for the response's.
    address, mark, query = uri.partition("?")
    parts = query.split("&")
    own = [part for part in parts if unquote_plus(part.partition("=")[0]) not in names]
    return uri if len(own) == len(parts) else f"{address}{mark if own else ''}{'&'.join(own)}"


def _present(parameters: Mapping[str, str | None]) -> dict[str, str]:
    """Return the parameters that are not None."""
    return {name: value for name, value in parameters.items() if value is not None}
