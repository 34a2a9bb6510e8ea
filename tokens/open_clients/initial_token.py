"""Creates, revokes and uses initial access tokens (RFC 7591 section 3).

An initial access token permits a number of dynamic registrations until it expires. A token has
256 random bits and is shown once. The database stores its SHA-256.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.utils.translation import gettext

from tokens import conf
from tokens.audit.trail import record
from tokens.issued import one_time
from tokens.models import InitialAccessToken
from tokens.settings.open_client import RegistrationMode

MOST_REGISTRATIONS = 10_000


def create(token: InitialAccessToken, *, actor: str, now: datetime) -> str:
    """Store a new initial access token, and return its text. The database stores only the hash of the text.

    The caller sets the note, the expiry and the number of registrations of `token`. Raises ValidationError, which names
    the field, if a value is out of bounds.
    """
    judge(token.registrations_left, token.expires_at, now=now)
    text = one_time.new()
    token.digest, token.hint, token.created_at = one_time.digest(text), text[-4:], now
    token.full_clean()
    token.save()
    details = {"note": token.note, "expires_at": str(token.expires_at), "registrations": token.registrations_left}
    record("initial_token.created", actor=actor, subject=subject(token), details=details, now=now)
    return text


def is_useless() -> bool:
    """Return True if the settings accept no initial access token (DYNAMIC_REGISTRATION is not `token`)."""
    return conf.issuer().open_clients.registration is not RegistrationMode.TOKEN


def judge(registrations: int, expires_at: datetime, *, now: datetime) -> None:
    """Raise ValidationError if the number of registrations is out of bounds, or the expiry is in the past."""
    if expires_at <= now:
        raise ValidationError({"expires_at": gettext("The expiry time has passed.")})
    if not 0 < registrations <= MOST_REGISTRATIONS:
        raise ValidationError(
            {"registrations_left": gettext("Enter a number from 1 to %(most)s.") % {"most": MOST_REGISTRATIONS}}
        )


def revoke(token: InitialAccessToken, *, actor: str, now: datetime) -> bool:
    """Revoke a token. Returns False if it was revoked already. Clients that were registered with the token remain."""
    if not InitialAccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        return False
    record("initial_token.revoked", actor=actor, subject=subject(token), now=now)
    return True


def use(text: str, *, now: datetime) -> InitialAccessToken | None:
    """Count one registration against the initial access token in `text`, and return the token.

    Returns None if `text` is not a live token. The caller must run this in the transaction that registers the client,
    so that a refused registration is not counted.
    """
    # One UPDATE, so that two concurrent registrations cannot both use the last registration that is left.
    counted = _live(text, now=now).update(registrations_left=F("registrations_left") - 1)
    return InitialAccessToken.objects.get(digest=one_time.digest(text)) if counted else None


def is_live(text: str, *, now: datetime) -> bool:
    """Return True if the token in `text` permits a registration at `now`."""
    return _live(text, now=now).exists()


def _live(text: str, *, now: datetime) -> "QuerySet[InitialAccessToken]":
    return InitialAccessToken.objects.filter(
        digest=one_time.digest(text), revoked_at=None, expires_at__gt=now, registrations_left__gt=0
    )


def subject(token: InitialAccessToken) -> str:
    """Return the name of the token in the audit trail: its id, and its last characters."""
    return f"initial_token:{token.pk} …{token.hint}"
