"""The connections that the threads of a process share."""

from types import SimpleNamespace
from typing import cast

import pytest

from project.postgresql import pool
from project.postgresql.connection import Connection
from project.postgresql.pool import MAX_AGE, Pool

OPENED_AT = 100.0


class Opened:
    """A connection that was opened at OPENED_AT."""

    def __init__(self) -> None:
        self.opened_at, self.closed = OPENED_AT, False

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("age", "is_closed"), [(MAX_AGE, False), (MAX_AGE + 1, True)])
def test_a_returned_connection_is_closed_if_it_is_older_than_ten_minutes(
    monkeypatch: pytest.MonkeyPatch, age: float, is_closed: bool
) -> None:
    shared, connection = Pool(1), cast("Connection", Opened())
    assert shared.take(0) is None
    monkeypatch.setattr(pool, "time", SimpleNamespace(monotonic=lambda: OPENED_AT + age))
    shared.put(connection)
    assert connection.closed is is_closed
    assert shared.take(0) is (None if is_closed else connection)
