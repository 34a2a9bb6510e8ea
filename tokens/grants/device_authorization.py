"""The codes of a waiting device: made, found by what the user types, answered once (RFC 8628 sections 3.1 to 3.3).

The user code has eight of twenty consonants: no word can be formed, no two look alike, and 34 bits of it are guessed
by nobody within ten minutes at the few attempts that the page allows.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from tokens import conf
from tokens.audit import trail
from tokens.clients import authentication, registry
from tokens.errors import InvalidClient, OAuthError
from tokens.grants.request import TokenRequest
from tokens.issued import one_time, refresh_token, user_grant
from tokens.issued.audience import Target
from tokens.issued.client_target import target
from tokens.issued.login import Login
from tokens.models import Client, DeviceCode, GrantType, User
from tokens.parameters import CLIENT

PARAMETERS = frozenset({"scope", "resource"})
LIFETIME = timedelta(minutes=10)
INTERVAL = 5
"""Seconds between two questions of the device, at first."""
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 section 6.1
HALF = 4
TRIES = 3
SALT = "tokens.oauth.device_code"


def client_of(request: TokenRequest) -> Client:
    """Return the authenticated client of a device authorization request (section 3.1). Raises OAuthError, NotReady."""
    try:
        return authentication.authenticate(request.authorization, request.form, now=request.now)
    except InvalidClient as error:
        sent = request.form.keys() & CLIENT
        if request.authorization is None and sent == {"client_id"}:
            _name_method(request.form["client_id"], error)
        raise


def _name_method(client_id: str, error: InvalidClient) -> None:
    """Raise OAuthError invalid_client that names the method of a confidential client with the device grant.

    Many libraries send no secret to this endpoint, and their users then suspect a wrong secret.
    """
    client = registry.read(client_id)
    if client is not None and GrantType.DEVICE_CODE in client.grants:
        methods = " or ".join(client.accepted_methods)
        how = f"Authenticate this client by {methods} here, as at the token endpoint."
        raise OAuthError("invalid_client", how, status=401, reason=error.reason) from error


def begin(request: TokenRequest, client: Client) -> dict[str, object]:
    """The device authorization response (section 3.2); raises OAuthError."""
    if GrantType.DEVICE_CODE not in client.grants:
        raise OAuthError("unauthorized_client", "This client may not use the grant type.")
    asked = target(client, request.scopes, request.resources, openid=True)
    code, user_code = _create(client, asked, now=request.now)
    details = {"aud": asked.audience, "scope": " ".join(asked.scopes)}
    trail.log("device.begun", actor=f"client:{client.client_id}", subject="device", details=details, now=request.now)
    return {"device_code": code, "user_code": user_code, **_addresses(user_code)} | {
        "expires_in": int(LIFETIME.total_seconds()),
        "interval": INTERVAL,
    }


def _create(client: Client, asked: Target, *, now: datetime) -> tuple[str, str]:
    """The two codes of a new request; another user code where this one is being typed somewhere at this moment."""
    code = one_time.new()
    given = {"client": client, "audience": asked.audience, "scope": " ".join(asked.scopes), "interval": INTERVAL}
    lives = {"created_at": now, "expires_at": now + LIFETIME}
    for _ in range(TRIES):
        user_code = new_user_code()
        try:
            with transaction.atomic():
                DeviceCode.objects.create(
                    digest=one_time.digest(code), user_code_digest=user_code_digest(user_code), **given, **lives
                )
        except IntegrityError:
            continue
        return code, user_code
    raise OAuthError("temporarily_unavailable", "No code is free at this moment. Try again soon.", status=503)


def new_user_code() -> str:
    """What the user types, such as WDJB-MJHT."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(2 * HALF))
    return f"{letters[:HALF]}-{letters[HALF:]}"


def user_code_digest(typed: str) -> str:
    """What is stored of a user code: keyed, because 34 bits are tried out in no time by whoever has the table.

    Case and everything that is no letter of a code are of no matter (section 6.1).
    """
    return salted_hmac(SALT, _letters(typed), algorithm="sha256").hexdigest()


def shown(typed: str) -> str:
    """What was typed, as the device shows it."""
    letters = _letters(typed)
    return f"{letters[:HALF]}-{letters[HALF:]}"


def _letters(typed: str) -> str:
    return "".join(letter for letter in typed.upper() if letter in LETTERS)


def waiting(typed: str, *, now: datetime) -> DeviceCode | None:
    """The request whose user code was typed, if it still waits for an answer."""
    open_ones = DeviceCode.objects.filter(grant=None, refused_at=None, expires_at__gt=now, client__is_active=True)
    return open_ones.select_related("client").filter(user_code_digest=user_code_digest(typed)).first()


def allow(code: DeviceCode, user: User, asked: Target, login: Login, *, now: datetime) -> bool:
    """Record that `user` allowed the request. Returns False if it was answered before, or the user was deleted.

    Raises SessionEnded if all sessions of the user were ended after this one was checked.
    """
    family = refresh_token.family_lifetime(code.client, asked.scopes)
    lasts = max(LIFETIME, family)
    try:
        with transaction.atomic():
            allowed = user_grant.create(user, code.client, asked, login, now=now, lasts=lasts, refreshes_for=family)
            won = _unanswered(code).update(grant=allowed)
            if not won:
                transaction.set_rollback(True)
    except OAuthError:
        return False
    return bool(won)


def refuse(code: DeviceCode, *, now: datetime) -> bool:
    """Keep that the user refused; False where somebody answered it before."""
    return bool(_unanswered(code).update(refused_at=now))


def _unanswered(code: DeviceCode) -> "QuerySet[DeviceCode]":
    return DeviceCode.objects.filter(pk=code.pk, grant=None, refused_at=None)


def _addresses(user_code: str) -> Mapping[str, str]:
    page = f"{conf.issuer().url.rstrip('/')}/oauth/device/verify"
    return {"verification_uri": page, "verification_uri_complete": f"{page}?user_code={user_code}"}
