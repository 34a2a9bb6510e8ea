"""Creates, checks and revokes user grants: what a user allowed a client. Tokens carry a grant's id as `grant_id`.

- Lock order: the user, then the grant. Token issuance and every revocation keep this order.
- A grant ends when it is revoked, at its `ends_at`, or when the user's session epoch changes. The epoch is a random
  value of the user, which is replaced if the user is disabled or logs out everywhere.
- Revoking a grant revokes every token that was issued under it, in the same transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from tokens import conf
from tokens.audit import trail
from tokens.errors import OAuthError
from tokens.issued import audience, membership, revocation_record, row_statements
from tokens.issued.audience import Target, registered
from tokens.issued.holder import Holder
from tokens.issued.login import Login
from tokens.issued.uuid7 import uuid7
from tokens.models import Client, User, UserGrant


class SessionEnded(Exception):
    """All sessions of the user were ended after the session of the request was checked."""


def create(
    user: User,
    client: Client,
    target: Target,
    login: Login,
    *,
    now: datetime,
    lasts: timedelta,
    refreshes_for: timedelta | None = None,
    claims: Mapping[str, Any] | None = None,
) -> UserGrant:
    """Create the grant of `user` to `client`, with the login under which the user gave it.

    The grant ends after `lasts`. Its refresh tokens end after `refreshes_for`, which must not be longer than `lasts`.
    If `refreshes_for` is None, the refresh tokens end with the grant.
    `claims` are the claims that the client requested by the parameter `claims`, in the form of `ClaimsRequest.stored`.
    `user` must be the row as it was read when the session was checked.
    Raises OAuthError access_denied if the user was disabled after the check, and SessionEnded if all sessions of the
    user were ended after the check.
    """
    with transaction.atomic():
        # Locked until the transaction ends, so that the user cannot be disabled or logged out after this check.
        active = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True)
        row = active.values_list("session_epoch").first()
        if row is None:
            raise OAuthError("access_denied", "The user is not active.")
        # Epochs are random and compared by equality. Instants of two nodes could not say which event came first.
        if row != (user.session_epoch,):
            raise SessionEnded
        return UserGrant.objects.create(
            id=uuid7(now),
            user=user,
            client=client,
            audience=target.audience,
            scope=" ".join(target.scopes),
            claims=claims,
            auth_time=login.at,
            sid=login.sid or None,
            acr=login.acr,
            amr=list(login.amr),
            session_epoch=user.session_epoch,
            created_at=now,
            ends_at=now + lasts,
            refresh_until=None if refreshes_for is None else now + refreshes_for,
        )


def require_live(user_grant: UserGrant, *, now: datetime) -> None:
    """Raise OAuthError invalid_grant if no token may be issued under the grant any more."""
    if reason := problem(user_grant, now=now):
        raise OAuthError("invalid_grant", reason)


def problem(user_grant: UserGrant, *, now: datetime) -> str | None:
    """Return why no token may be issued under the grant any more, as a text for the client.

    Returns None if tokens may be issued.
    """
    if user_grant.revoked_at is not None:
        return "The grant was revoked."
    if user_grant.ends_at <= now:
        return "The grant has ended."
    if not user_grant.user.is_active:
        return "The user is not active."
    if user_grant.session_epoch != user_grant.user.session_epoch:
        return "The user has logged out everywhere."
    return None


def lock(user_grant: UserGrant) -> UserGrant:
    """Lock the grant until the transaction ends, and return the grant as it is stored now.

    Raises OAuthError invalid_grant if the grant was deleted with its user or client.
    """
    # `of`: locking the user, too, would break the lock order, and would make all requests of one user wait.
    rows = UserGrant.objects.select_for_update(of=("self",)).select_related("user", "client").filter(pk=user_grant.pk)
    if (row := rows.first()) is None:
        raise OAuthError("invalid_grant", "The grant has ended.")
    return row


def lock_all(condition: Q) -> None:
    """Lock the grants that match `condition` until the transaction ends."""
    # In the order of their keys, so that two transactions that lock the same grants do not deadlock.
    list(UserGrant.objects.select_for_update(of=("self",)).filter(condition).order_by("pk").values_list("pk"))


def revoke(user_grant: UserGrant, reason: str, *, now: datetime) -> bool:
    """Revoke the grant and all tokens issued under it. Returns True unless the grant was revoked before.

    A grant that was revoked before keeps its instant and reason.
    """
    # No savepoint, which would be two more statements: no caller goes on after an error in its transaction.
    with transaction.atomic(savepoint=False):
        is_first = row_statements.fill(user_grant, "revoked_at", now, revoke_reason=reason)
        revocation_record.revoke_grant(str(user_grant.pk), now=now)
    return is_first


def revoke_reused(user_grant: UserGrant, reason: str, *, actor: str, now: datetime) -> None:
    """Revoke the grant after its code or refresh token was reused (reuse detection).

    Records the event `grant.reuse_detected` if the grant was not revoked before.
    """
    # Two parties have the code or token, and the issuer cannot know which of them is the client.
    with transaction.atomic():
        # Several requests can reuse a token at once. Only the one that revokes the grant records the event.
        if revoke(user_grant, reason, now=now):
            subject, details = f"grant:{user_grant.pk}", {"why": reason}
            trail.record("grant.reuse_detected", actor=actor, subject=subject, details=details, now=now)


def holder(user_grant: UserGrant) -> Holder:
    """Return the holder of the grant's tokens.

    It has the user, the grant's id, and the login in which the user gave the grant.
    """
    return Holder(
        subject=str(user_grant.user.sub), grant_id=str(user_grant.id), login=login(user_grant), user=user_grant.user
    )


def login(user_grant: UserGrant) -> Login:
    """Return the login in which the user gave the grant. Refreshed ID tokens repeat this login (OIDC Core 12.2)."""
    return Login(at=user_grant.auth_time, acr=user_grant.acr, amr=tuple(user_grant.amr), sid=user_grant.sid or "")


def target(user_grant: UserGrant, client: Client, resources: Sequence[str] = ()) -> Target:
    """Return the target of a token under the grant (RFC 8707 section 2.2).

    1. The audience is that of the grant, or the issuer if `resources` names the issuer and the user allowed `openid`.
    2. The scopes are those that the user allowed, that the client may still request, and that the user may still have.
    3. If the user may no longer have any scope of the API, but `openid` is left, the audience is the issuer.

    Raises:
        OAuthError invalid_target: `resources` names another audience than those of the first rule.
        OAuthError invalid_grant: The API was deleted, or the client may no longer use it.
        NotMember (invalid_scope): The user may no longer have any scope of the API, and the third rule does not apply.
            It applies only if `openid` is left and `resources` does not name the API.
    """
    issuer, names, without_api = conf.issuer().url, user_grant.scope.split(), audience.offered()
    audiences = {user_grant.audience, issuer}
    requested = list({registered(name, audiences): None for name in resources}) or [user_grant.audience]
    if requested == [issuer] and (user_grant.audience == issuer or "openid" in names):
        return Target(issuer, tuple(name for name in names if name in without_api), None)
    if requested != [user_grant.audience]:
        raise OAuthError("invalid_target", "The user's grant is for another resource.")
    # The client's permissions as they are now: an administrator may have reduced them since the consent.
    own = {scope.name: scope.api for scope in client.permitted_scopes if scope.api.identifier == user_grant.audience}
    without_scope = {api.identifier: api for api in client.permitted_apis}
    api = next(iter(own.values()), without_scope.get(user_grant.audience))
    scopes = tuple(name for name in names if name in own or name in without_api)
    if api is None or (own.keys().isdisjoint(scopes) and user_grant.audience not in without_scope):
        raise OAuthError("invalid_grant", "The client may no longer use the API of this grant.")
    narrowed = membership.narrow_for_client(Target(user_grant.audience, scopes, api), client, str(user_grant.user.sub))
    if resources and [narrowed.audience] != requested:
        raise membership.NotMember
    return narrowed
