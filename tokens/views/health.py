"""/healthz and /readyz: whether this process is alive, and whether it can do its work."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from tokens import errors
from tokens.keys import keyring, rings
from tokens.keys.errors import KeyProblem
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.limits import rate_limit
from tokens.limits.rate_limit import address
from tokens.models import Ring
from tokens.revoking import high_water
from tokens.views.operator import is_operator

UNCOUNTED = {
    "guesses": "logins are refused: their cache takes no counters",
    "default": "token requests are not counted: their cache takes no counters",
}
"""By cache: the consequence if it hangs, is down or is full."""

READ_ONLY = {"postgresql": "SELECT current_setting('transaction_read_only')", "sqlite": "SELECT 'off'"}
"""By vendor: the statement that gives "on" if the database is read-only. A standby gives "on" as well."""


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Alive: the process answers."""
    return errors.answer({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if a key may sign and the database answers; else 503 and, for the operator, the causes.

    `attention` names problems with which tokens are still issued, so that a load balancer keeps the process: a rotation
    that is overdue, a further ring that cannot sign, logins that are refused, a database that was restored.
    """
    answer, status, headers = _readiness()
    return errors.answer(_told(request, answer), status, headers, reason=_reason(answer))


def _reason(answer: Mapping[str, Any]) -> str:
    """Return the causes of a 503 for the audit log; "" if there are none."""
    causes = [f"{name}: {cause}" for name, cause in answer.get("causes", {}).items()]
    return f"not ready: {'; '.join(causes)}" if causes else ""


def _told(request: HttpRequest, answer: Mapping[str, object]) -> Mapping[str, object]:
    """Return what the caller may read: everything for the operator, else only the status.

    `?seen` asks which address, scheme and Host this process sees (`manage.py check_proxy`).
    """
    if not is_operator(request):
        return {"status": answer["status"]}
    if "seen" not in request.GET:
        return answer
    host = request.META.get("HTTP_HOST", "")
    return {**answer, "seen": {"address": address(request), "scheme": request.scheme, "host": host}}


def _readiness() -> tuple[Mapping[str, object], int, Mapping[str, str]]:
    """Return body, status and headers of the complete answer."""
    now = _now()
    causes = {"database": _database(), "signing key": _signer(DEFAULT_RING, now)}
    missing = {name: cause for name, cause in causes.items() if cause}
    if missing:
        body = {"status": "unavailable", "missing": list(missing), "causes": missing}
        return body, 503, {"Retry-After": "5"}
    attention = _attention(now)
    return {"status": "ok", **({"attention": attention} if attention else {})}, 200, {}


def _now() -> datetime:
    """Return the database's clock, or this node's if that is unknown; then no key signs either."""
    now = timezone.now()
    try:
        return keyring.carried_clock(now=now)
    except (KeyProblem, DatabaseError, InterfaceError):
        return now


def _attention(now: datetime) -> list[str]:
    found = ["rotation overdue"] if _overdue(DEFAULT_RING, now) else []
    found += [told for alias, told in UNCOUNTED.items() if not rate_limit.takes_counters(alias, now=now)]
    found += [older] if (older := _older(now)) else []
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


def _older(now: datetime) -> str:
    """Return how the database is older than Redis remembers; "" if it is not, or if that is unknown."""
    try:
        return high_water.report(now=now)
    except (DatabaseError, InterfaceError):
        return ""


def _signer(ring: str, now: datetime) -> str | None:
    try:
        keyring.signer(ring, now=now)
    except KeyProblem as error:
        return str(error)
    except (DatabaseError, InterfaceError):
        return "the keys cannot be read"
    return None


def _overdue(ring: str, now: datetime) -> bool:
    return _holds(keyring.overdue, ring, now)


def _is_to_begin(ring: str, now: datetime) -> bool:
    return _holds(keyring.is_to_begin, ring, now)


def _holds(question: Callable[..., bool], ring: str, now: datetime) -> bool:
    try:
        return question(ring, now=now)
    except (KeyProblem, DatabaseError, InterfaceError):
        return False
