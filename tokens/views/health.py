"""/healthz and /readyz: whether this process is alive, and whether it can do its work."""

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
    """Ready: a key may sign, and the database answers; else 503 and what is missing."""
    problems = [name for name, ready in (("database", _database()), ("signing key", _signer())) if not ready]
    if problems:
        return errors.answer({"status": "unavailable", "missing": problems}, 503, {"Retry-After": "5"})
    return errors.answer({"status": "ok"})


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _signer() -> bool:
    try:
        signing.signer(now=timezone.now())
    except (KeyProblem, DatabaseError):
        return False
    return True
