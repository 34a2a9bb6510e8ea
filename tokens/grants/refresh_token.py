"""The refresh token grant type: a client gets new tokens under a user's grant (RFC 6749 section 6).

A refresh is no new login: the new tokens have the `auth_time`, `acr` and `amr` of the login at the authorization.
"""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from tokens import conf
from tokens.errors import OAuthError
from tokens.grants import holder_key, user_response
from tokens.grants.base import Proven, Tokens
from tokens.grants.request import ClientRequest
from tokens.issued import audience, refresh_rotation, refresh_token
from tokens.issued import user_grant as user_grants
from tokens.issued.audience import Target
from tokens.issued.refresh_rotation import Reused, Superseded
from tokens.models import Client, RefreshToken, UserGrant

REUSED = "refresh token used twice"
UNKNOWN = "The refresh token is unknown, expired, or another client's."
SUPERSEDED = "The refresh token was used before, and its successor was used or has expired. Use the newest one."


def issue(request: ClientRequest, proven: Proven) -> Tokens:
    """Issue tokens for a refresh token. Raises OAuthError if the refresh token, scope or resource is refused.

    Revokes the grant if the refresh token is reused after its retry window.
    """
    client, text = proven.client, request.required("refresh_token")
    try:
        with transaction.atomic():
            # The lock admits one of several parallel refreshes of a family at a time to check and use the token.
            user_grant, token = _locked(text, client)
            return _tokens(text, user_grant, token, client, request)
    except Superseded:
        raise OAuthError("invalid_grant", SUPERSEDED) from None
    except Reused:  # outside the transaction, which was rolled back
        user_grants.revoke_reused(user_grant, REUSED, actor=f"client:{client.client_id}", now=request.now)
        raise OAuthError("invalid_grant", "The refresh token was used before; its family is revoked.") from None


def _locked(text: str, client: Client) -> tuple[UserGrant, RefreshToken | None]:
    """Lock the grant of the refresh token `text`, and return the grant and the token's row.

    Instead of the row, returns None if the row was purged. Raises OAuthError invalid_grant if the token is unknown or
    another client's.
    """
    token = refresh_token.lock(text)
    user_grant = token.grant if token else refresh_token.grant_of(text)
    # A token of another client is refused like an unknown one. The family of its owner is not revoked.
    if user_grant is None or user_grant.client_id != client.pk:
        raise OAuthError("invalid_grant", UNKNOWN)
    if token is None:
        user_grant = user_grants.lock(user_grant)
    user_grant.client = client
    return user_grant, token


def _tokens(
    text: str, user_grant: UserGrant, token: RefreshToken | None, client: Client, request: ClientRequest
) -> Tokens:
    """Issue tokens under the locked grant, and rotate or extend the refresh token `text` (RFC 6749 section 6).

    `token` is the row of the refresh token, or None if it was purged. The steps establish, in this order:

    1. Tokens may still be issued under the grant.
    2. The token is neither expired nor unknown. A token whose row was purged after the rotation counts as reused.
    3. The client holds the DPoP key to which the token is bound, if any.
    4. The API and the scopes are allowed.
    5. If the token was used before, its retry window has not passed, and its successor is unused (`refresh_rotation`).

    Raises OAuthError, Reused or Superseded if a step fails. The caller must revoke the grant after Reused.
    """
    user_grants.require_live(user_grant, now=request.now)
    if token is None and refresh_token.was_rotated(text):
        raise Reused  # its row was purged, but its family lives
    if token is None or _has_expired(token, user_grant, now=request.now):
        raise OAuthError("invalid_grant", UNKNOWN)
    # Before reuse detection: a thief without the token's key must not be able to revoke the family. A token that was
    # issued without a key needs no proof, so its reuse is detected even if a thief bound its successor to a key.
    holder_key.require_key(token.dpop_jkt, request)
    target = _target(user_grant, client, request)
    successor = None
    if refresh_rotation.rotates(client) or token.used_at is not None:  # it rotated before the client's policy changed
        thumbprint = holder_key.of_refresh_token(client, request)
        successor = refresh_rotation.rotate(text, token, client, now=request.now, thumbprint=thumbprint)
    else:
        refresh_token.extend(token, client, now=request.now)
    return replace(user_response.issue(user_grant, client, target, request), refresh_token=successor)


def _has_expired(token: RefreshToken, user_grant: UserGrant, *, now: datetime) -> bool:
    """Return True if the token's family has expired, or if the token is unused and has expired."""
    # After its first use, the retry window limits a token.
    return refresh_token.family_ends_at(user_grant) <= now or (token.used_at is None and token.expires_at <= now)


def _target(user_grant: UserGrant, client: Client, request: ClientRequest) -> Target:
    """Return the API and the scopes of the new access token.

    If the request names no scope, the token gets all scopes of the grant. If the request has `openid`, but no scope of
    an API and no resource, the token is for the issuer (userinfo). Raises OAuthError invalid_scope if the user did not
    allow a scope, or if the client may no longer use the scope. Also raises the errors of `user_grant.target`.
    """
    names = user_grant.scope.split()
    requested = audience.understood(request.scopes, predefined=names) if "openid" in names else request.scopes
    scopes = tuple(dict.fromkeys(requested))
    is_identity = "openid" in names and "openid" in scopes and set(audience.offered()) >= set(scopes)
    resources = [conf.issuer().url] if is_identity and not request.resources else request.resources
    whole = user_grants.target(user_grant, client, resources)
    if not set(scopes) <= set(whole.scopes):
        refused = [name for name in scopes if name not in whole.scopes]
        raise audience.refusal("{} was not allowed by the user, or this client may not request it.", refused)
    audience.require_sense(scopes)
    if scopes and set(audience.offered()) >= set(scopes) and whole.api not in {None, *client.permitted_apis}:
        raise OAuthError("invalid_scope", "No scope of the resource was requested.")
    return Target(whole.audience, scopes or whole.scopes, whole.api)
