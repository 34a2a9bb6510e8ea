"""oauthlib's OpenID server, reduced to what the authorization endpoint needs. The issuer's own code issues tokens."""

from typing import Any

from oauthlib.oauth2.rfc6749.errors import (
    FatalClientError,
    InvalidClientIdError,
    MismatchingRedirectURIError,
    OAuth2Error,
)
from oauthlib.openid.connect.core.endpoints.pre_configured import Server as OpenIDServer

from tokens.authorize import redirect_uri
from tokens.authorize.request import AuthorizationRefused, AuthorizationRequest, CodeResponseType, Query
from tokens.errors import OAuthError

UNKNOWN_CLIENT = (
    "No active client has the client_id of this request. Compare it with the registered one (admin: Clients), or"
    " register the application (create_client)."
)


class Server(OpenIDServer):
    """oauthlib's OpenID server with `response_type=code` alone, without grant types and token types."""

    def __init__(self, request_validator: Any, **kwargs: Any) -> None:
        super().__init__(request_validator, **kwargs)  # type: ignore[no-untyped-call]
        self._response_types = {"code": CodeResponseType(request_validator)}
        self._grant_types: dict[str, Any] = {}
        # oauthlib's token types take anything that looks like a JWT for an ID token, and an ID token for a credential.
        self._tokens: dict[str, Any] = {}

    def authorization(self, query: str) -> AuthorizationRequest:
        """Validate and return the authorization request in the URL-encoded `query`.

        Raises AuthorizationRefused if the request is invalid.
        """
        request = Query(f"?{query}")  # type: ignore[no-untyped-call]
        try:
            _, details = self.default_response_type_handler.validate_authorization_request(request)
        except (OAuth2Error, OAuthError) as error:
            raise _refusal(error, request) from error
        return details["authorization"]  # type: ignore[no-any-return]


def _refusal(error: OAuth2Error | OAuthError, request: Query) -> AuthorizationRefused:
    """Return the AuthorizationRefused for an error of oauthlib or of the issuer's own checks.

    The result has no redirect URI if the client or its redirect URI is invalid.
    """
    client = request.client or None
    if isinstance(error, FatalClientError):
        return AuthorizationRefused(_translated(error, request), client_id=client.client_id if client else None)
    return AuthorizationRefused(
        _translated(error, request),
        client_id=client.client_id if client else None,
        redirect_uri=request.redirect_uri,
        state=request.returnable_state,
        response_mode=request.refusal_mode,
    )


def _translated(error: OAuth2Error | OAuthError, request: Query) -> OAuthError:
    """Return the OAuthError for an error of oauthlib. An OAuthError is returned unchanged.

    If the client or the redirect URI is unknown, the description says what to register.
    """
    if isinstance(error, OAuthError):
        return error
    if isinstance(error, MismatchingRedirectURIError):
        frees_port = request.client.frees_localhost_port
        return OAuthError("invalid_request", redirect_uri.remedy(request.redirect_uri, any_localhost_port=frees_port))
    if isinstance(error, InvalidClientIdError):
        return OAuthError("invalid_request", UNKNOWN_CLIENT)
    return OAuthError(str(error.error), str(error.description or ""))
