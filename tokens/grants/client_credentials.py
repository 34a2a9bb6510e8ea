"""The client credentials grant type: a client acts for itself (RFC 6749 section 4.4)."""

from tokens.errors import OAuthError
from tokens.grants import base
from tokens.grants.base import Proven, Tokens
from tokens.grants.request import ClientRequest
from tokens.issued import audience
from tokens.issued.holder import Holder


def issue(request: ClientRequest, proven: Proven) -> Tokens:
    """Issue a token whose subject is the client itself (RFC 9068 section 2.2). Writes no row to the database.

    Raises OAuthError unauthorized_client for a public client, which has no credentials.
    """
    client = proven.client
    if client.is_public:
        raise OAuthError("unauthorized_client", "A public client cannot act for itself.")
    target = audience.of_client(client, request.scopes, request.resources, openid=False)
    return base.issue_access_token(client, Holder(subject=client.client_id), target, request)
