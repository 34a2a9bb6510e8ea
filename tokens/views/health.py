"""/healthz and /readyz: whether this process is alive, and whether it can do its work."""

from datetime import datetime

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from tokens import errors
from tokens.keys import signing
from tokens.keys.errors import KeyProblem


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Alive: the process answers."""
    return errors.answer({"status": "ok"})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Ready: a key may sign, and the database answers; else 503 and what is missing, with its cause.

    `attention` names what does not stop anything yet: a rotation that is overdue.
    """
    now = timezone.now()
    causes = {"database": _database(), "signing key": _signer(now)}
    missing = {name: cause for name, cause in causes.items() if cause}
    if missing:
        body = {"status": "unavailable", "missing": list(missing), "causes": missing}
        return errors.answer(body, 503, {"Retry-After": "5"})
    return errors.answer({"status": "ok", **({"attention": ["rotation overdue"]} if _overdue(now) else {})})


def _database() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "the database does not answer"
    return None


def _signer(now: datetime) -> str | None:
    try:
        signing.signer(now=now)
    except KeyProblem as error:
        return str(error)
    except DatabaseError:
        return "the keys cannot be read"
    return None


def _overdue(now: datetime) -> bool:
    try:
        return signing.overdue(now=now)
    except (KeyProblem, DatabaseError):
        return False
