"""The client credentials grant: a client that acts for itself (RFC 6749 section 4.4)."""

from tokens.errors import OAuthError
from tokens.grants import base
from tokens.grants.base import Grant
from tokens.grants.request import TokenRequest
from tokens.issued.client_target import target
from tokens.issued.holder import Holder
from tokens.models import Client


class ClientCredentialsGrant(Grant):
    """The token's subject is the client itself (RFC 9068 section 2.2); no user, no refresh token, no row."""

    name = "client_credentials"

    def issue(self, request: TokenRequest, client: Client) -> dict[str, object]:
        """The token response; raises OAuthError unauthorized_client for a client that proved nothing."""
        if client.is_public:
            raise OAuthError("unauthorized_client", "A public client cannot act for itself.")
        asked = target(client, request.scopes, request.resources, openid=False)
        return base.token_response(client, Holder(subject=client.client_id), asked, request)
