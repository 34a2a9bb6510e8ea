"""The grants that users gave: made, asked whether they stand, ended. Their ids are the tokens' `grant_id`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from tokens import conf
from tokens.audit import trail
from tokens.errors import OAuthError
from tokens.issued import revocation_record
from tokens.issued.audience import OPENID, Target
from tokens.issued.holder import Holder
from tokens.issued.login import Login
from tokens.models import Client, User, UserGrant


class SessionEnded(Exception):
    """All sessions of the user ended after this one was checked, so it may allow nothing."""


def create(
    user: User,
    client: Client,
    target: Target,
    login: Login,
    *,
    now: datetime,
    lasts: timedelta,
    refreshes_for: timedelta | None = None,
) -> UserGrant:
    """Record what `user` allowed `client`, and how the user had logged in. The grant ends after `lasts`.

    Its refresh tokens end after `refreshes_for`, which is part of `lasts`, or with the grant if None. `user` is as read
    when the session was checked. Raises OAuthError access_denied if the user may not log in any more, and
    SessionEnded. The user's row stays locked until the transaction ends, so that neither can happen after the check.
    """
    with transaction.atomic():
        active = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True)
        kept = active.values_list("session_epoch").first()
        if kept is None:
            raise OAuthError("access_denied", "The user may not log in any more.")
        if kept != (user.session_epoch,):  # compared by equality, because clocks cannot tell which came first
            raise SessionEnded
        return UserGrant.objects.create(
            user=user,
            client=client,
            audience=target.audience,
            scope=" ".join(target.scopes),
            auth_time=login.at,
            acr=login.acr,
            amr=list(login.amr),
            session_epoch=user.session_epoch,
            created_at=now,
            ends_at=now + lasts,
            refresh_until=None if refreshes_for is None else now + refreshes_for,
        )


def require_live(grant: UserGrant, *, now: datetime) -> None:
    """Raise OAuthError invalid_grant where nothing may be issued under the grant any more."""
    if reason := problem(grant, now=now):
        raise OAuthError("invalid_grant", reason)


def problem(grant: UserGrant, *, now: datetime) -> str | None:
    """Why nothing may be issued under the grant any more, or None: it ended, or its login does not count any more."""
    if grant.revoked_at is not None:
        return "The grant was revoked."
    if grant.ends_at <= now:
        return "The grant has ended."
    if not grant.user.is_active:
        return "The user is not active."
    if grant.session_epoch != grant.user.session_epoch:
        return "The user has logged out everywhere."
    return None


def lock(grant: UserGrant) -> UserGrant:
    """The grant as it is now, held until the transaction ends: nobody else issues under it or ends it meanwhile.

    Raises OAuthError invalid_grant where it went with its user or client.
    """
    held = UserGrant.objects.select_for_update(of=("self",)).select_related("user", "client").filter(pk=grant.pk)
    if (kept := held.first()) is None:
        raise OAuthError("invalid_grant", "The grant has ended.")
    return kept


def hold(whose: Q) -> None:
    """Hold several grants until the transaction ends, always in one order: no two wait for each other."""
    list(UserGrant.objects.select_for_update(of=("self",)).filter(whose).order_by("pk").values_list("pk"))


def revoke(grant: UserGrant, reason: str, *, now: datetime) -> bool:
    """Revoke a grant with all tokens issued under it. The first reason stays.

    Returns False if the grant was revoked before.
    """
    with transaction.atomic():
        revoked = UserGrant.objects.filter(pk=grant.pk, revoked_at=None).update(revoked_at=now, revoke_reason=reason)
        revocation_record.revoke_grant(str(grant.pk), now=now)
    return bool(revoked)


def reused(grant: UserGrant, reason: str, *, actor: str, now: datetime) -> None:
    """Revoke a grant because its code or token was reused: two parties have it.

    Only the request that revokes the grant records the event, because several requests can reuse the token at once.
    """
    with transaction.atomic():
        if revoke(grant, reason, now=now):
            subject, details = f"grant:{grant.pk}", {"why": reason}
            trail.record("grant.reuse_detected", actor=actor, subject=subject, details=details, now=now)


def holder(grant: UserGrant) -> Holder:
    """Whom the grant's tokens speak for."""
    return Holder(subject=str(grant.user.sub), grant_id=str(grant.id), login=login(grant))


def login(grant: UserGrant) -> Login:
    """The login under which the grant was given: kept through every refresh."""
    return Login(at=grant.auth_time, acr=grant.acr, amr=tuple(grant.amr))


def target(grant: UserGrant, client: Client, resources: Sequence[str] = ()) -> Target:
    """What a token under the grant is for, with the scopes that the user allowed and the client still may ask for.

    It is for the grant's own API; or for the issuer itself, where `resources` names that and the user's identity was
    allowed with the rest (RFC 8707 section 2.2). Raises OAuthError invalid_target for another resource, invalid_grant
    where nothing is left: the API is gone, or the client may not use it any more.
    """
    issuer, names = conf.issuer().url, grant.scope.split()
    asked = list(dict.fromkeys(resources)) or [grant.audience]
    if asked == [issuer] and (grant.audience == issuer or "openid" in names):
        return Target(issuer, tuple(name for name in names if name in OPENID), None)
    if asked != [grant.audience]:
        raise OAuthError("invalid_target", "What the user allowed is for another resource.")
    own = {scope.name: scope.api for scope in client.scopes.all() if scope.api.identifier == grant.audience}
    without_scope = {api.identifier: api for api in client.apis.all()}
    api = next(iter(own.values()), without_scope.get(grant.audience))
    scopes = tuple(name for name in names if name in own or name in OPENID)
    if api is None or (own.keys().isdisjoint(scopes) and grant.audience not in without_scope):
        raise OAuthError("invalid_grant", "The client may not use the API any more that the grant is for.")
    return Target(grant.audience, scopes, api)
