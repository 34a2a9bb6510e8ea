"""Find the device authorization request for a user code, and record the user's answer (RFC 8628 section 3.3).

1. `waiting` finds the request by the code that the user typed.
2. `target_for` returns the API and the scopes that the user can allow.
3. `seal` signs what the page displayed to the user. When the user answers, `was_displayed` checks that signature.
4. `answer` records the answer with its audit event. A request is answered once.
"""

from dataclasses import replace
from datetime import datetime

from django.core import signing
from django.db import transaction
from django.db.models import QuerySet

from tokens import conf
from tokens.audit import trail
from tokens.grants.device_authorization import LIFETIME, user_code_digest
from tokens.issued import audience, membership, refresh_token
from tokens.issued import user_grant as user_grants
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.models import DeviceCode, User

# Changing this value makes pages that are open in browsers ask again.
SALT = "tokens.views.device"


def waiting(typed: str, *, now: datetime) -> DeviceCode | None:
    """Return the device request whose user code is `typed`.

    Returns None if there is no such request, if it was answered or has expired, or if its client is disabled.
    """
    unanswered = DeviceCode.objects.filter(grant=None, refused_at=None, expires_at__gt=now, client__is_active=True)
    return unanswered.select_related("client").filter(user_code_digest=user_code_digest(typed)).first()


def target_for(code: DeviceCode, user: User) -> Target:
    """Return the API and the scopes that the user can allow to the device's client.

    Scopes that the user may not have are left out. Raises OAuthError if the client may no longer use the API or a
    scope, or if no scope is left.
    """
    resources = [] if code.audience == conf.issuer().url else [code.audience]
    target = audience.of_client(code.client, code.scope.split(), resources, openid=True)
    return membership.narrow_for_client(target, code.client, str(user.sub))


def seal(code: DeviceCode, user: User, target: Target, *, now: datetime) -> str:
    """Return a signed text, which proves that this request with these scopes was displayed to this user at `now`."""
    return signing.dumps([code.pk, user.pk, list(target.scopes), now.timestamp()], salt=SALT)


def was_displayed(text: str, code: DeviceCode, user: User, target: Target, *, now: datetime) -> bool:
    """Return True if `seal` signed `text` within the last ten minutes for the same request, user and scopes."""
    try:
        pk, user_pk, scopes, at = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError):
        return False
    is_same = (pk, user_pk, scopes) == (code.pk, user.pk, list(target.scopes))
    return is_same and now.timestamp() - at <= LIFETIME.total_seconds()


@transaction.atomic
def answer(code: DeviceCode, user: User, target: Target, login: Login | None, *, now: datetime) -> bool:
    """Record, with an audit event, that the user allowed the request, or refused it if `login` is None.

    `login` is the login in which the user allowed the request. Returns True, or False if the request was answered
    before. If the user allowed the request, raises OAuthError if another process has disabled or deleted the user since
    the session was checked, and SessionEnded if another process has ended all sessions of the user since then.
    """
    if login is None:
        answered, action = refuse(code, now=now), "device.refused"
    else:
        answered, action = allow(code, user, target, login, now=now), "device.allowed"
    if answered:
        actor, subject = f"user:{user.get_username()}", f"client:{code.client.client_id}"
        trail.record(action, actor=actor, subject=subject, now=now)
    return answered


def allow(code: DeviceCode, user: User, target: Target, login: Login, *, now: datetime) -> bool:
    """Record that `user` allowed the request. Returns True, or False if the request was answered before.

    Raises OAuthError and SessionEnded in the same cases as `answer`.
    """
    login = replace(login, sid="")  # the device is not in the session of this browser, whose end does not end the grant
    family = refresh_token.family_lifetime(code.client, target.scopes)
    lasts = max(LIFETIME, family)
    with transaction.atomic():
        user_grant = user_grants.create(user, code.client, target, login, now=now, lasts=lasts, refreshes_for=family)
        won = _unanswered(code).update(grant=user_grant)
        if not won:
            transaction.set_rollback(True)
    return bool(won)


def refuse(code: DeviceCode, *, now: datetime) -> bool:
    """Record that the user refused the request. Returns True, or False if the request was answered before."""
    return bool(_unanswered(code).update(refused_at=now))


def _unanswered(code: DeviceCode) -> "QuerySet[DeviceCode]":
    return DeviceCode.objects.filter(pk=code.pk, grant=None, refused_at=None)
