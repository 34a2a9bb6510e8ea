"""The door between Django's requests and the server: only declared parameters come through, and the clock."""

from datetime import datetime
from typing import cast

from django.http import HttpRequest, QueryDict
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.settings import oauth2_settings
from oauthlib.common import urlencode

from tokens import parameters
from tokens.authorize.request import AuthorizationRequest
from tokens.authorize.server import Server
from tokens.clients import authentication
from tokens.grants import device_authorization
from tokens.grants.request import TokenRequest
from tokens.models import Client


class Backend(OAuthLibCore):
    """django-oauth-toolkit's backend, which would hand oauthlib every field, header and environ entry there is."""

    server: Server

    def authorization(self, sent: QueryDict) -> AuthorizationRequest:
        """What an authorization request asks for; raises OAuth2Error (RFC 6749 section 4.1.2.1)."""
        parameters.declared(sent, parameters.DECISIVE)
        query = parameters.known(sent, parameters.AUTHORIZATION)
        return self.server.authorization(urlencode(query))

    def token(self, request: HttpRequest, *, now: datetime) -> dict[str, object]:
        """The answer to a token request; raises OAuth2Error, and NotReady where nothing may sign."""
        form = parameters.body(request, parameters.TOKEN)
        return self.server.token(form, authorization=request.headers.get("Authorization"), now=now)

    def device(self, request: HttpRequest, *, now: datetime) -> dict[str, object]:
        """Return the device authorization response (RFC 8628 section 3.2). Raises OAuth2Error."""
        form = parameters.body(request, device_authorization.PARAMETERS | parameters.CLIENT)
        asked = TokenRequest(form, authorization=request.headers.get("Authorization"), now=now)
        return device_authorization.begin(asked, device_authorization.client_of(asked))

    def client(self, request: HttpRequest, names: frozenset[str], *, now: datetime) -> tuple[Client, dict[str, str]]:
        """The proven client of a form request and the `names` parameters that it sent; raises OAuth2Error."""
        form = dict(parameters.body(request, names | parameters.CLIENT))
        return authentication.authenticate(request.headers.get("Authorization"), form, now=now), form

    def authenticate_client(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Never: the toolkit's views are not served here, and would take a public client for a proven one."""
        return False

    def verify_request(self, request: HttpRequest, scopes: list[str]) -> tuple[bool, None]:  # noqa: ARG002
        """Never: no bearer token opens a view here; the toolkit would take an ID token for one."""
        return False, None


def backend() -> Backend:
    """The backend of the settings in force."""
    server = oauth2_settings.OAUTH2_SERVER_CLASS(
        oauth2_settings.OAUTH2_VALIDATOR_CLASS(), **oauth2_settings.server_kwargs
    )
    return cast("Backend", oauth2_settings.OAUTH2_BACKEND_CLASS(server))
