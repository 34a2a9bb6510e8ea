"""/healthz and /readyz say if this process is alive, and if it can issue tokens.

- /readyz answers 503 only if no token can be issued. A load balancer then sends requests to another process.
- Problems that do not stop the issuer from issuing tokens are listed under `attention`, with 200.
- Only the operator can read causes and `attention` (`operator`). Other callers read the status.
- A key ring is a set of signing keys with a JWKS of its own. Tokens are signed by the default ring, unless an API or a
  client uses a further ring.
"""

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
from tokens.limits import cache_circuit, rate_limit
from tokens.models import Ring
from tokens.revoking import high_water
from tokens.views.operator import is_operator

UNCOUNTED = {
    "guesses": "logins are refused: their cache cannot store counters",
    "default": "token requests are not counted: their cache cannot store counters",
}
"""For each cache, the consequence if the cache hangs, is down or is full."""

READ_ONLY = {"postgresql": "SELECT current_setting('transaction_read_only')", "sqlite": "SELECT 'off'"}
"""For each vendor, the statement that returns "on" if the database is read-only, as a standby is."""


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer 200: this process is alive."""
    return errors.answer({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if a key may sign and the database answers, else 503.

    The operator also gets the causes of a 503. With 200, the operator gets `attention`, if there is any problem: an
    overdue rotation, a further key ring that cannot sign, caches that cannot store the counters of rate limits, or a
    database that was restored from a backup.
    """
    answer, status, headers = _readiness()
    return errors.answer(_visible(request, answer), status, headers, reason=_reason(answer))


def _reason(answer: Mapping[str, Any]) -> str:
    """Return the causes in the body of a 503, as text for the audit log, or "" if there are none."""
    causes = [f"{name}: {cause}" for name, cause in answer.get("causes", {}).items()]
    return f"not ready: {'; '.join(causes)}" if causes else ""


def _visible(request: HttpRequest, answer: Mapping[str, object]) -> Mapping[str, object]:
    """Return the members of `answer` that the caller may read.

    The operator may read all members. Other callers may read only the status. With `?seen`, the operator also gets the
    address, scheme and Host of the request as this process received it, for `manage.py check_proxy`.
    """
    if not is_operator(request):
        return {"status": answer["status"]}
    if "seen" not in request.GET:
        return answer
    host = request.META.get("HTTP_HOST", "")
    return {**answer, "seen": {"address": rate_limit.address(request), "scheme": request.scheme, "host": host}}


def _readiness() -> tuple[Mapping[str, object], int, Mapping[str, str]]:
    """Return body, status and headers of the answer of /readyz, with the details for the operator."""
    now = _now()
    causes = {"database": _database(), "signing key": _signer(DEFAULT_RING, now)}
    failures = {name: cause for name, cause in causes.items() if cause}
    if failures:
        body = {"status": "unavailable", "missing": list(failures), "causes": failures}
        return body, 503, {"Retry-After": "5"}
    attention = _attention(now)
    return {"status": "ok", **({"attention": attention} if attention else {})}, 200, {}


def _now() -> datetime:
    """Return the database's clock, or this node's clock if the database's clock is not available."""
    now = timezone.now()
    try:
        return keyring.carried_clock(now=now)
    except (KeyProblem, DatabaseError, InterfaceError):
        return now  # without the database's clock no key signs, so the answer is 503 in any case


def _attention(now: datetime) -> list[str]:
    """Return the problems that do not stop the issuer from issuing tokens."""
    problems = ["rotation overdue"] if _overdue(DEFAULT_RING, now) else []
    problems += [effect for alias, effect in UNCOUNTED.items() if not cache_circuit.takes_counters(alias, now=now)]
    problems += [older] if (older := _older(now)) else []
    for ring in rings.names()[1:]:  # the first is the default ring, whose failure is a 503
        if (cause := _signer(ring, now)) and not _is_to_begin(ring, now):
            problems.append(f"ring {ring}: {cause}")
        elif _overdue(ring, now):
            problems.append(f"ring {ring}: rotation overdue")
    return problems


def _database() -> str | None:
    """Return why the database cannot be used, or None if it can."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(READ_ONLY[connection.vendor])
            read_only = cursor.fetchone() == ("on",)
    except (DatabaseError, InterfaceError):
        return "the database does not answer"
    if read_only:
        return "the database is read-only (a standby or a demoted primary): let DATABASE_URL name the primary"
    try:
        Ring.objects.exists()
    except DatabaseError:
        return "the database has no tables: run manage.py migrate"
    return None


def _older(now: datetime) -> str:
    """Compare the database with the newest state that processes recorded in Redis, and return what the database lacks.

    A database that was restored from a backup lacks the latest changes. Returns "" if the database lacks nothing, or if
    it cannot be compared.
    """
    try:
        return high_water.report(now=now)
    except (DatabaseError, InterfaceError):
        return ""


def _signer(ring: str, now: datetime) -> str | None:
    """Return why no key of the key ring can sign, or None if a key can."""
    try:
        keyring.signer(ring, now=now)
    except KeyProblem as error:
        return str(error)
    except (DatabaseError, InterfaceError):
        return "the keys cannot be read"
    return None


def _overdue(ring: str, now: datetime) -> bool:
    """Return True if a rotation of the key ring is overdue."""
    return _holds(keyring.overdue, ring, now)


def _is_to_begin(ring: str, now: datetime) -> bool:
    """Return True if no key of the key ring has signed yet, and the first key has a planned start."""
    return _holds(keyring.is_to_begin, ring, now)


def _holds(question: Callable[..., bool], ring: str, now: datetime) -> bool:
    """Return the result of `question`, such as `keyring.overdue`, for the key ring.

    Returns False if the keys cannot be read.
    """
    try:
        return question(ring, now=now)
    except (KeyProblem, DatabaseError, InterfaceError):
        return False
