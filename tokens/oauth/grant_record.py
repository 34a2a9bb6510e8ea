"""The grants that users gave: made, asked whether they stand, ended. Their ids are the tokens' `grant_id`."""

from datetime import datetime, timedelta

from django.db import transaction

from tokens import conf
from tokens.errors import OAuthError
from tokens.models import Api, Client, User, UserGrant
from tokens.oauth import denial
from tokens.oauth.audience import Target
from tokens.oauth.grant import Holder
from tokens.oauth.login_session import Login


def create(user: User, client: Client, target: Target, login: Login, *, now: datetime, lasts: timedelta) -> UserGrant:
    """Keep what `user` allowed `client`, and how the user had logged in; nothing is issued under it after `lasts`."""
    return UserGrant.objects.create(
        user=user,
        client=client,
        audience=target.audience,
        scope=" ".join(target.scopes),
        auth_time=login.at,
        acr=login.acr,
        amr=list(login.amr),
        created_at=now,
        ends_at=now + lasts,
    )


def require_live(grant: UserGrant) -> None:
    """Raise OAuthError invalid_grant where the grant was revoked or its user may no longer log in."""
    if grant.revoked_at is not None:
        raise OAuthError("invalid_grant", "The grant was revoked.")
    if not grant.user.is_active:
        raise OAuthError("invalid_grant", "The user is not active.")


def revoke(grant: UserGrant, reason: str, *, now: datetime) -> None:
    """End a grant: what was issued under it is denied, and nothing more can be; the first reason stays."""
    with transaction.atomic():
        UserGrant.objects.filter(pk=grant.pk, revoked_at=None).update(revoked_at=now, revoke_reason=reason)
        denial.deny_grant(str(grant.pk), now=now)


def holder(grant: UserGrant) -> Holder:
    """Whom the grant's tokens speak for."""
    return Holder(subject=str(grant.user.sub), grant_id=str(grant.id), login=login(grant))


def login(grant: UserGrant) -> Login:
    """The login under which the grant was given: kept through every refresh."""
    return Login(at=grant.auth_time, acr=grant.acr, amr=tuple(grant.amr))


def target(grant: UserGrant) -> Target:
    """The API that the grant is for, with the scopes that the user allowed.

    Raises OAuthError invalid_grant where the API is no longer registered.
    """
    api = Api.objects.filter(identifier=grant.audience).first()
    if api is None and grant.audience != conf.issuer().url:
        raise OAuthError("invalid_grant", "The API that the grant is for is no longer registered.")
    return Target(grant.audience, tuple(grant.scope.split()), api)
