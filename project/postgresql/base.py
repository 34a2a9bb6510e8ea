"""Django's PostgreSQL backend, whose connections have deadlines."""

from typing import Any, cast

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import debug_transaction

from project.postgresql import driver
from project.postgresql.budget import MAINTENANCE, at_most, current
from project.postgresql.circuit import circuits
from project.postgresql.connection import Connection
from project.postgresql.errors import DeadlinePassed


class DatabaseWrapper(base.DatabaseWrapper):
    """One thread's connection to a database."""

    Database = driver

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """Connect within the budget. Raises NotTried while the circuit is open."""
        answers, budget = circuits.of(self.alias, "answers"), current()
        had_time = budget is not None and budget.left > 0
        if budget:
            answers.require()
        try:
            connection = cast("Connection", super().get_new_connection(conn_params))
        except DeadlinePassed:
            if had_time:  # without time left, the failure says nothing about the server
                answers.failed()
            raise
        except psycopg.Error:
            answers.answered()
            raise
        connection.answers, connection.commits = answers, circuits.of(self.alias, "commits")
        return connection

    def close_if_health_check_failed(self) -> None:
        """Check a connection at its first use in a request, unless it is fresh.

        While the circuit is open, keep the connection and raise NotTried.
        """
        if current():
            with self.wrap_database_errors:
                circuits.of(self.alias, "answers").require()
        # The check is a round trip, and would be half of what a token takes.
        if self.connection is not None and self.connection.is_fresh():
            self.health_check_done = True
        super().close_if_health_check_failed()

    def close_if_unusable_or_obsolete(self) -> None:
        """Check a connection between two requests, within MAINTENANCE seconds."""
        if self.connection is not None and self.connection.may_be_cancelled:
            self.close()
        with at_most(MAINTENANCE):
            super().close_if_unusable_or_obsolete()

    def _start_transaction_under_autocommit(self) -> None:
        """Begin a transaction by an explicit BEGIN. Django calls this method if it exists, as it does for SQLite."""
        level = self._options.get("isolation_level")
        isolation = psycopg.IsolationLevel(level).name.replace("_", " ") if level is not None else ""
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            self.connection.begin(isolation)

    @property
    def _options(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.settings_dict["OPTIONS"])
