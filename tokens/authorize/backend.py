"""The backend of django-oauth-toolkit, reduced to authorization requests.

Only parameters that the endpoint declares reach oauthlib, because oauthlib turns every parameter into an attribute of
its request. A parameter `user=1` would become `request.user`.
"""

from functools import cache
from typing import cast

from django.http import HttpRequest, QueryDict
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.settings import oauth2_settings
from oauthlib.common import urlencode

from tokens import parameters
from tokens.authorize.request import AuthorizationRequest, as_refusal
from tokens.authorize.server import Server


class Backend(OAuthLibCore):
    """django-oauth-toolkit's backend. It passes only the parameters of the authorization endpoint to oauthlib.

    Other parameters, headers and the WSGI environ do not reach oauthlib.
    """

    server: Server

    def authorization(self, sent: QueryDict) -> AuthorizationRequest:
        """Validate the parameters in `sent`, and return the authorization request.

        Raises AuthorizationRefused if the request is invalid (RFC 6749 section 4.1.2.1).
        """
        with as_refusal():
            parameters.declared(sent, parameters.DECISIVE)
        query = parameters.present(sent, parameters.AUTHORIZATION)
        return self.server.authorization(urlencode(query))

    def authenticate_client(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Return False: tokens/clients/authentication.py alone authenticates clients."""
        # The toolkit's own views, which are not served, would take a public client for an authenticated one.
        return False

    def verify_request(self, request: HttpRequest, scopes: list[str]) -> tuple[bool, None]:  # noqa: ARG002
        """Return (False, None): no view of the issuer takes a bearer token through the toolkit."""
        # The toolkit would take an ID token for a credential.
        return False, None


@cache
def backend() -> Backend:
    """Return the Backend for authorization requests. All requests of this process share it."""
    server = oauth2_settings.OAUTH2_SERVER_CLASS(
        oauth2_settings.OAUTH2_VALIDATOR_CLASS(), **oauth2_settings.server_kwargs
    )
    return cast("Backend", oauth2_settings.OAUTH2_BACKEND_CLASS(server))
