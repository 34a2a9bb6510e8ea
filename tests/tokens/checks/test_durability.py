"""The system check of PostgreSQL's durability, with a fake connection.

tests/services/test_revocation_log.py runs the check with PostgreSQL.
"""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from django.db import OperationalError

from tokens.checks import durability


class Connection:
    """A fake connection. Its cursor returns `rows`, or raises them if they are an exception."""

    def __init__(self, rows, vendor="postgresql"):
        self.rows, self.vendor = rows, vendor

    def cursor(self):
        if isinstance(self.rows, Exception):
            raise self.rows
        return nullcontext(SimpleNamespace(execute=lambda _: None, fetchall=lambda: self.rows))


ON, OFF = [("fsync", "on"), ("synchronous_commit", "remote_apply")], [("fsync", "off"), ("synchronous_commit", "off")]


@pytest.mark.parametrize(
    ("connection", "databases", "names"),
    [
        (Connection(OFF), ["default"], ["fsync", "synchronous_commit"]),
        (Connection(ON), ["default"], []),
        (Connection(OFF), None, []),
        (Connection(OFF), [], []),
        (Connection(OFF, "sqlite"), ["default"], []),
        (Connection(OperationalError("refused")), ["default"], []),
    ],
)
def test_the_issuer_warns_of_each_setting_that_is_off_only_if_a_postgresql_database_is_checked(
    monkeypatch, connection, databases, names
):
    monkeypatch.setattr(durability, "connection", connection)
    messages = durability.check_durability(databases=databases)
    assert [(message.id, message.msg.split()[2]) for message in messages] == [("tokens.W310", name) for name in names]
