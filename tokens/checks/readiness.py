"""Judges whether this process can issue tokens, for /readyz.

- A process is ready if the database can be written and has tables, and if the default key ring can sign.
- A key ring is a set of signing keys with a JWKS of its own. Tokens are signed by the default ring, unless an API or a
  client uses a further ring.
- Problems that do not stop the issuer from issuing tokens are reported separately, as `attention`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connection

from tokens.keys import keyring, rings
from tokens.keys.errors import KeyProblem
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.limits import cache_circuit
from tokens.models import Ring
from tokens.revoking import high_water

UNCOUNTED = {
    "guesses": "logins are refused: their cache cannot store counters",
    "default": "token requests are not counted: their cache cannot store counters",
}
"""For each cache, the consequence if the cache hangs, is down or is full."""

READ_ONLY = {"postgresql": "SELECT current_setting('transaction_read_only')", "sqlite": "SELECT 'off'"}
"""For each vendor, the statement that returns "on" if the database is read-only, as a standby is."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The readiness of this process to issue tokens: the causes if it is not ready, else other problems."""

    causes: Mapping[str, str] = field(default_factory=dict)
    """Why this process cannot issue tokens, by what is missing. Empty if the process is ready."""
    attention: Sequence[str] = ()
    """Problems that do not stop the issuer from issuing tokens. Empty if the process is not ready."""


def judge(*, node_time: datetime) -> Readiness:
    """Judge whether this process can issue tokens. `node_time` is this node's clock.

    The result has the causes if the process cannot issue tokens, otherwise the problems under `attention`: an overdue
    rotation, a further key ring that cannot sign, caches that cannot store the counters of rate limits, and a database
    that was restored from a backup.
    """
    now = _database_time(node_time)
    causes = {"database": _database(), "signing key": _signer(DEFAULT_RING, now)}
    if missing := {name: cause for name, cause in causes.items() if cause}:
        return Readiness(causes=missing)
    return Readiness(attention=_attention(now))


def _database_time(node_time: datetime) -> datetime:
    """Return the database's clock, or this node's clock if the database's clock is not available."""
    try:
        return keyring.carried_clock(now=node_time)
    except (KeyProblem, DatabaseError, InterfaceError):
        return node_time  # without the database's clock no key signs, so the process is not ready in any case


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
