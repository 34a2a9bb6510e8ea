"""What oauthlib asks about an authorization request: which client, redirect URI and scopes are right."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from tokens import parameters
from tokens.authorize.redirect_uri import acceptable, matches
from tokens.clients import registry
from tokens.issued.client_target import target
from tokens.models import Client
from tokens.parameters import REPEATABLE

CODE = "authorization_code"


class Validator(OAuth2Validator):
    """django-oauth-toolkit's validator with our clients, redirect URIs and scopes."""

    def validate_client_id(self, client_id: str, request: Any, *_: Any, **__: Any) -> bool:
        """Whether an active client has this id; it becomes `request.client`."""
        request.client = registry.read(client_id)
        return request.client is not None

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *_: Any, **__: Any) -> bool:  # noqa: ARG002
        """Whether the client registered this redirect URI."""
        client = request.client
        return matches(redirect_uri, client.redirect_uris.split(), undotted=client.allows_undotted_schemes)

    def get_default_redirect_uri(self, client_id: str, request: Any, *_: Any, **__: Any) -> str | None:  # noqa: ARG002
        """The one redirect URI of a client that has only one; else the request has to name it."""
        registered, undotted = request.client.redirect_uris.split(), request.client.allows_undotted_schemes
        return registered[0] if len(registered) == 1 and acceptable(registered[0], undotted=undotted) else None

    def validate_response_type(self, client_id: str, response_type: str, client: Client, *_: Any, **__: Any) -> bool:  # noqa: ARG002
        """Whether the client may use the authorization code flow."""
        return CODE in client.grants

    def is_pkce_required(self, client_id: str, request: Any) -> bool:  # noqa: ARG002
        """Always (RFC 9700 section 2.1.1)."""
        return True

    def get_default_scopes(self, client_id: str, request: Any, *_: Any, **__: Any) -> list[str]:  # noqa: ARG002
        """None: a client says what it asks for."""
        return []

    def validate_scopes(
        self,
        client_id: str,  # noqa: ARG002
        scopes: list[str],  # noqa: ARG002 (oauthlib splits by another rule than our token endpoint)
        client: Client,
        request: Any,
        *_: Any,
        **__: Any,
    ) -> bool:
        """Settle what an authorization request is for: its scopes and its one API. Raises OAuthError."""
        resources = [value for name, value in request.uri_query_params if name == REPEATABLE]
        request.target = target(client, parameters.scopes(request.scope or None), resources, openid=True)
        return True

    def authenticate_client(self, request: Any, *_: Any, **__: Any) -> bool:  # noqa: ARG002
        """Return False: only tokens.clients.authentication authenticates clients."""
        return False
