"""Builds the responses to a dynamically registered client (RFC 7591 section 3.2.1, RFC 7592 section 3)."""

from tokens import conf
from tokens.models import Client, OpenClient
from tokens.open_clients import scope_policy
from tokens.open_clients.dynamic_client import NOT_VALID, BearerRefused, NewClient


def location(client: Client) -> str:
    """Return the URL at which the client reads, changes and deletes itself."""
    return f"{conf.issuer().url.rstrip('/')}/oauth/register/{client.client_id}"


def new(registered: NewClient) -> dict[str, object]:
    """Return the members of the answer to a registration, with the secret and the registration access token."""
    members = stored(registered.client, registered.registration_token)
    if registered.secret is not None:
        members |= {"client_secret": registered.secret, "client_secret_expires_at": 0}
    return members


def stored(client: Client, registration_token: str) -> dict[str, object]:
    """Return the members of the answer to a client that reads or changes its metadata (RFC 7592 section 3).

    `registration_token` is the registration access token that authenticated the request. The members do not include
    the secret, of which only a hash is stored. Raises BearerRefused if the client was deleted after it had
    authenticated.
    """
    issued_at = OpenClient.objects.values_list("created_at", flat=True).filter(client=client).first()
    if issued_at is None:  # the client was deleted since it authenticated
        raise BearerRefused(NOT_VALID)
    members = {
        "client_id": client.client_id,
        "client_id_issued_at": int(issued_at.timestamp()),
        "registration_access_token": registration_token,
        "registration_client_uri": location(client),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris.split(),
        "grant_types": client.grants,
        "response_types": ["code"] if client.redirect_uris else [],
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "jwks": client.client_jwks,
        "jwks_uri": client.client_jwks_uri,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "backchannel_logout_session_required": client.backchannel_logout_session_required,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        "id_token_signed_response_alg": client.id_token_signed_response_alg,
        "scope": scope_policy.granted_scopes(client),
        "require_pushed_authorization_requests": client.require_pushed_authorization_requests,
        "require_signed_request_object": client.require_signed_request_object,
    }
    return {name: value for name, value in members.items() if value not in (None, "", [])}
