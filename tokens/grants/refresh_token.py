"""The refresh token grant: a client that a user allowed to stay gets a new access token (RFC 6749 section 6)."""

from datetime import datetime

from django.db import transaction

from tokens import conf
from tokens.errors import OAuthError
from tokens.grants import user_response
from tokens.grants.base import Grant
from tokens.grants.request import TokenRequest
from tokens.issued import audience, client_target, refresh_token, user_grant
from tokens.issued.audience import OPENID, Target
from tokens.issued.refresh_token import Reused, Superseded
from tokens.models import Client, GrantType, RefreshToken, UserGrant

REUSED = "refresh token used twice"
UNKNOWN = "The refresh token is unknown, expired, or another client's."
SUPERSEDED = "The refresh token was used before, and its successor was used or has expired. Use the newest one."


class RefreshTokenGrant(Grant):
    """What the user allowed still holds; when and how they logged in stays what it was."""

    name = GrantType.REFRESH_TOKEN.value

    def issue(self, request: TokenRequest, client: Client) -> dict[str, object]:
        """The token response; raises OAuthError invalid_grant, invalid_scope, invalid_target."""
        text = request.required("refresh_token")
        allowed = _grant(text, client)
        try:
            with transaction.atomic():
                return _tokens(text, user_grant.lock(allowed), client, request)
        except Superseded:
            raise OAuthError("invalid_grant", SUPERSEDED) from None
        except Reused:
            user_grant.revoke_reused(allowed, REUSED, actor=f"client:{client.client_id}", now=request.now)
        raise OAuthError("invalid_grant", "The refresh token was used before; its family is revoked.")


def _grant(text: str, client: Client) -> UserGrant:
    """Another client that shows it holds nothing: the family of its owner stays as it is."""
    allowed = refresh_token.grant_of(text)
    if allowed is None or allowed.client_id != client.pk:
        raise OAuthError("invalid_grant", UNKNOWN)
    return allowed


def _tokens(text: str, allowed: UserGrant, client: Client, request: TokenRequest) -> dict[str, object]:
    user_grant.require_live(allowed, now=request.now)
    token = refresh_token.find(text)
    if token is None and refresh_token.was_rotated(text):
        raise Reused  # its row was purged, but its family lives
    if token is None or _has_expired(token, allowed, now=request.now):
        raise OAuthError("invalid_grant", UNKNOWN)
    target = _target(allowed, client, request)
    rotated = {}
    if refresh_token.rotates(client) or token.used_at is not None:  # it rotated before the client's policy changed
        rotated["refresh_token"] = refresh_token.rotate(text, token, client, now=request.now)
    else:
        refresh_token.extend(token, client, now=request.now)
    return user_response.response(allowed, client, target, request) | rotated


def _has_expired(token: RefreshToken, allowed: UserGrant, *, now: datetime) -> bool:
    """True if an unspent token was not used in time, or its family has ended. The retry window bounds a spent one."""
    return refresh_token.family_ends_at(allowed) <= now or (token.used_at is None and token.expires_at <= now)


def _target(allowed: UserGrant, client: Client, request: TokenRequest) -> Target:
    """What is asked for out of what the user allowed and the client still may: all of it, unless it says less.

    Where only the user's identity is asked for, the token is for the issuer, as it is in an authorization request.
    """
    names = allowed.scope.split()
    scopes = client_target.understood(request.scopes, known=names) if "openid" in names else request.scopes
    asked = tuple(dict.fromkeys(scopes))
    is_identity = "openid" in names and "openid" in asked and OPENID.keys() >= set(asked)
    resources = [conf.issuer().url] if is_identity and not request.resources else request.resources
    whole = user_grant.target(allowed, client, resources)
    if not set(asked) <= set(whole.scopes):
        raise OAuthError("invalid_scope", "A scope was not allowed by the user, or this client may not ask for it.")
    audience.require_sense(asked)
    if asked and OPENID.keys() >= set(asked) and whole.api not in {None, *client.apis.all()}:
        raise OAuthError("invalid_scope", "No scope of the resource was asked for.")
    return Target(whole.audience, asked or whole.scopes, whole.api)
