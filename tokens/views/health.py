"""/healthz and /readyz: whether this process is alive, and whether it can do its work."""

from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from tokens import errors
from tokens.keys import rings, signing
from tokens.keys.errors import KeyProblem
from tokens.keys.moves import DEFAULT_RING
from tokens.models import Ring

READ_ONLY = {"postgresql": "SELECT current_setting('transaction_read_only')", "sqlite": "SELECT 'off'"}
"""What asks whether the database takes writes: "on" if it does not. A standby says "on" as well."""


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Alive: the process answers."""
    return errors.answer({"status": "ok"})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Ready: a key may sign, and the database answers; else 503 and what is missing, with its cause.

    `attention` names what does not stop everything: a rotation that is overdue, a further ring that cannot sign.
    """
    now = timezone.now()
    causes = {"database": _database(), "signing key": _signer(DEFAULT_RING, now)}
    missing = {name: cause for name, cause in causes.items() if cause}
    if missing:
        body = {"status": "unavailable", "missing": list(missing), "causes": missing}
        reason = "not ready: " + "; ".join(f"{name}: {cause}" for name, cause in missing.items())
        return errors.answer(body, 503, {"Retry-After": "5"}, reason=reason)
    attention = _attention(now)
    return errors.answer({"status": "ok", **({"attention": attention} if attention else {})})


def _attention(now: datetime) -> list[str]:
    found = ["rotation overdue"] if _overdue(DEFAULT_RING, now) else []
    for ring in rings.names()[1:]:
        if (cause := _signer(ring, now)) and not _is_to_begin(ring, now):
            found.append(f"ring {ring}: {cause}")
        elif _overdue(ring, now):
            found.append(f"ring {ring}: rotation overdue")
    return found


def _database() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(READ_ONLY[connection.vendor])
            read_only = cursor.fetchone() == ("on",)
    except (DatabaseError, InterfaceError):
        return "the database does not answer"
    if read_only:
        return "the database is read-only: a standby, or a primary that was demoted; DATABASE_URL names another one"
    try:
        Ring.objects.exists()
    except DatabaseError:
        return "its tables are missing: run manage.py migrate"
    return None


def _signer(ring: str, now: datetime) -> str | None:
    try:
        signing.signer(ring, now=now)
    except KeyProblem as error:
        return str(error)
    except (DatabaseError, InterfaceError):
        return "the keys cannot be read"
    return None


def _overdue(ring: str, now: datetime) -> bool:
    return _holds(signing.overdue, ring, now)


def _is_to_begin(ring: str, now: datetime) -> bool:
    return _holds(signing.is_to_begin, ring, now)


def _holds(question: Callable[..., bool], ring: str, now: datetime) -> bool:
    try:
        return question(ring, now=now)
    except (KeyProblem, DatabaseError, InterfaceError):
        return False
