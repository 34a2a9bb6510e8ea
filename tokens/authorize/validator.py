"""The checks that oauthlib calls for an authorization request: client, redirect URI, response type and PKCE."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from tokens.authorize.redirect_uri import acceptable, matches
from tokens.clients import registry
from tokens.models import Client, GrantType


class Validator(OAuth2Validator):
    """django-oauth-toolkit's validator, with this issuer's rules for clients and redirect URIs."""

    def validate_client_id(self, client_id: str, request: Any, *_: Any, **__: Any) -> bool:
        """Return True if an active client has this client_id. Sets `request.client`, as oauthlib requires."""
        request.client = registry.read(client_id)
        return request.client is not None

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *_: Any, **__: Any) -> bool:  # noqa: ARG002
        """Return True if the client registered this redirect URI."""
        client = request.client
        return matches(
            redirect_uri,
            client.redirect_uris.split(),
            undotted=client.allows_undotted_schemes,
            any_localhost_port=client.frees_localhost_port,
        )

    def get_default_redirect_uri(self, client_id: str, request: Any, *_: Any, **__: Any) -> str | None:  # noqa: ARG002
        """Return the client's redirect URI if the client has exactly one, and it follows the rules (`acceptable`).

        In any other case, returns None. The request must then contain the redirect URI.
        """
        registered, undotted = request.client.redirect_uris.split(), request.client.allows_undotted_schemes
        return registered[0] if len(registered) == 1 and acceptable(registered[0], undotted=undotted) else None

    def validate_response_type(self, client_id: str, response_type: str, client: Client, *_: Any, **__: Any) -> bool:  # noqa: ARG002
        """Return True if the client may use the authorization code grant type."""
        return GrantType.AUTHORIZATION_CODE.value in client.grants

    def is_pkce_required(self, client_id: str, request: Any) -> bool:  # noqa: ARG002
        """Return False: tokens/authorize/pkce.py has checked the client's PKCE rule already."""
        return False

    def get_default_scopes(self, client_id: str, request: Any, *_: Any, **__: Any) -> list[str]:  # noqa: ARG002
        """Return an empty list. If a request has no scope, tokens/authorize/request.py determines the scopes later."""
        return []

    def validate_scopes(self, client_id: str, scopes: list[str], client: Client, *_: Any, **__: Any) -> bool:  # noqa: ARG002
        """Return True: tokens/authorize/request.py checks the scopes later, by the rules of the token endpoint."""
        return True

    def authenticate_client(self, request: Any, *_: Any, **__: Any) -> bool:  # noqa: ARG002
        """Return False: tokens/clients/authentication.py alone authenticates clients."""
        return False
