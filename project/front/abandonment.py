"""Keep requests that the front has abandoned from changing the database.

Before a statement or COMMIT, each connection checks if the request was abandoned (`project.front.turn`). If it was,
the connection raises Abandoned, and Django rolls back as after any database error. This module does not interrupt a
statement that is already waiting; `project.postgresql` does.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from project.front.turn import TurnOver, current

CHANGES_NOTHING = ("SELECT", "SHOW", "BEGIN")


class Abandoned(OperationalError):
    """Raised for an SQL statement or COMMIT of a request that the front has already answered with 503."""

    def __init__(self) -> None:
        super().__init__("the request was answered 503 before the database answered; its transaction is rolled back")


def watch_connections() -> None:
    """Make every new database connection of this process raise Abandoned for statements of an abandoned request."""
    connection_created.connect(_guard, dispatch_uid="project.front.abandonment")


def _guard(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _execute not in connection.execute_wrappers:
        connection.execute_wrappers.append(_execute)
        connection._commit = partial(_commit_unless_abandoned, connection._commit)  # type: ignore[attr-defined]  # noqa: SLF001


def _execute(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001 (Django's signature)
    run = partial(execute, sql, params, many, context)
    if context["connection"].in_atomic_block or sql.lstrip().upper().startswith(CHANGES_NOTHING):
        if turn := current():
            _take_step(turn.go_on)
        return run()
    return _commit_unless_abandoned(run)  # outside of a transaction, each statement commits itself


def _commit_unless_abandoned(commit: Callable[[], Any]) -> Any:
    """Call `commit`, and return its result. Raises Abandoned if the front has abandoned the request."""
    turn = current()
    if turn is None:
        return commit()
    _take_step(turn.begin_commit)
    try:
        return commit()
    finally:
        turn.end_commit()


def _take_step(step: Callable[[], None]) -> None:
    """Call `step`. If it raises TurnOver, raise Abandoned instead.

    `step` is the method `go_on` or `begin_commit` of the request's Turn. Both raise TurnOver if the front has abandoned
    the request, which means that the front has answered it with 503.
    """
    try:
        step()
    except TurnOver:
        raise Abandoned from None
