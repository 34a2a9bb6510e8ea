"""Limit how long a step waits for its lock, and how long it takes.

- A step waits `WAIT` for the lock of its key ring. Then it raises LockNotHad.
- A step computes dates from the database's clock, as read at the beginning of the step. A step that takes longer than
  clock_error (δ) is rolled back and raises Unsafe.
- PostgreSQL itself ends a wait, a statement or an idle transaction at its limit. So a suspended process cannot keep a
  ring locked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import InternalError, OperationalError, connection

from tokens.keys import store
from tokens.keys.errors import LockNotHad, Unsafe
from tokens.keys.rules.inequalities import slower
from tokens.keys.rules.policy import Policy
from tokens.languages import sentence

WAIT = timedelta(seconds=30)
LOCK_NOT_AVAILABLE = "55P03"
TOOK_TOO_LONG = ("25P03", "25P04", "57014")
"""SQLSTATEs of PostgreSQL's errors if a transaction or a statement reaches a time limit."""
SLOW = timedelta(seconds=10)
"""A duration that no step reaches by load alone, on any machine in production."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Translate database errors of the block to LockNotHad and Unsafe. Other database errors are raised unchanged.

    - LockNotHad is raised if the database did not grant a lock in time.
    - Unsafe is raised if PostgreSQL ended the transaction or a statement at a time limit.
    """
    try:
        yield
    except (OperationalError, InternalError) as error:
        if getattr(error.__cause__, "sqlstate", None) in TOOK_TOO_LONG:
            raise Unsafe(
                sentence(
                    "the step took too long to keep its dates: longer than clock_error (δ); nothing was done, run"
                    " it again"
                )
            ) from error
        if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE or "database is locked" in str(error):
            raise LockNotHad(
                sentence(
                    "another process held the ring for {wait} s; nothing was done, run the command again",
                    wait=WAIT.seconds,
                )
            ) from error
        raise


def limit_lock_wait() -> None:
    """Set PostgreSQL's `lock_timeout` to `WAIT` for this transaction, so that no wait for a lock lasts longer.

    Does nothing on SQLite. There, `timeout` in the OPTIONS of the database limits each wait.
    """
    _set_local("lock_timeout", WAIT)


def limit_duration(policy: Policy) -> None:
    """Limit each statement and each idle time of this transaction to clock_error (δ). Does nothing on SQLite."""
    # A suspended process is idle to PostgreSQL, and a slow statement is not: both limits are needed.
    for setting in ("idle_in_transaction_session_timeout", "statement_timeout"):
        _set_local(setting, policy.clock_error)


def require_in_time(started: datetime, policy: Policy) -> None:
    """Raise Unsafe if more than clock_error (δ) has passed on the database's clock since `started`.

    Call this before the commit.
    """
    took = store.database_now() - started
    if took > policy.clock_error:
        raise Unsafe(
            sentence(
                "the step took {took:.1f} s, too long to keep its dates: clock_error (δ) is {limit:g} s;"
                " nothing was done, run it again{remedy}",
                took=took.total_seconds(),
                limit=policy.clock_error.total_seconds(),
                remedy=_remedy(policy, took),
            )
        )


def _remedy(policy: Policy, took: timedelta) -> str:
    """Return a hint to set a longer clock_error, as the end of an error message. `took` is the duration of the step.

    Returns "" if clock_error is at least `SLOW` already.
    """
    # Development uses a short clock_error, which a step on a busy machine can exceed.
    if policy.clock_error >= SLOW:
        return ""
    timings = ",".join(f"{name}={seconds}" for name, seconds in slower(policy, took).items())
    return sentence(", or if the machine stays this slow, set KEY_TIMINGS={timings}", timings=timings)


def _set_local(setting: str, limit: timedelta) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # LOCAL: a pooled connection must not keep the limit after this transaction.
            cursor.execute(f"SET LOCAL {setting} = '{int(limit.total_seconds() * 1000)}ms'")
