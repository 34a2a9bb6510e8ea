"""The authorization server: which grants exist. What is not named here is not reachable."""

from datetime import datetime
from typing import Any

from oauthlib.oauth2.rfc6749.errors import InvalidRequestError, UnsupportedGrantTypeError
from oauthlib.openid.connect.core.endpoints.pre_configured import Server as OpenIDServer

from tokens.authorize.request import Asked, AuthorizationRequest, CodeResponseType
from tokens.grants.authorization_code import AuthorizationCodeGrant
from tokens.grants.base import Grant
from tokens.grants.client_credentials import ClientCredentialsGrant
from tokens.grants.device_code import DeviceGrant
from tokens.grants.jwt_bearer import JwtBearerGrant
from tokens.grants.refresh_token import RefreshTokenGrant
from tokens.grants.request import TokenRequest
from tokens.grants.token_exchange import TokenExchangeGrant
from tokens.parameters import Pairs

GRANTS: tuple[type[Grant], ...] = (
    AuthorizationCodeGrant,
    RefreshTokenGrant,
    ClientCredentialsGrant,
    DeviceGrant,
    TokenExchangeGrant,
    JwtBearerGrant,
)


class Server(OpenIDServer):
    """oauthlib's OpenID server without its implicit, hybrid and password grants, and without its token types.

    With oauthlib's token types, what looks like a JWT is taken for an ID token, an ID token for a credential, and
    garbage is an error 500. Nothing here reads bearer tokens (see Backend.verify_request).
    """

    def __init__(self, request_validator: Any, **kwargs: Any) -> None:
        super().__init__(request_validator, **kwargs)  # type: ignore[no-untyped-call]
        self._response_types = {"code": CodeResponseType(request_validator)}
        self._grant_types = {grant.name: grant() for grant in GRANTS}
        self._tokens: dict[str, Any] = {}

    def authorization(self, query: str) -> AuthorizationRequest:
        """What an encoded query asks for; raises FatalClientError where it must not be redirected, and OAuth2Error."""
        request = Asked(f"?{query}")  # type: ignore[no-untyped-call]
        _, details = self.default_response_type_handler.validate_authorization_request(request)
        return details["authorization"]  # type: ignore[no-any-return]

    def token(self, form: Pairs, *, authorization: str | None, now: datetime) -> dict[str, object]:
        """The answer to the token request that `form` makes; raises OAuth2Error (RFC 6749 section 5.2)."""
        request = TokenRequest(form, authorization=authorization, now=now)
        if request.grant_type is None:
            raise InvalidRequestError("Missing grant_type parameter.")
        if request.grant_type not in self._grant_types:
            raise UnsupportedGrantTypeError("This issuer does not know the grant type.")
        grant: Grant = self._grant_types[request.grant_type]
        return grant.answer(request)
