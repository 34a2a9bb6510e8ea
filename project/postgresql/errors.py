"""Errors of the bounded backend, derived from psycopg's, which Django translates. `reason` is for the audit log."""

import psycopg


class DeadlinePassed(psycopg.OperationalError):
    """The database did not answer within the budget. The transaction is not committed."""

    reason = "the database did not answer in time"


class NotTried(psycopg.OperationalError):
    """The circuit is open: the database did not answer another request a moment ago."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoConnection(psycopg.OperationalError):
    """Other threads had all shared connections for too long."""

    reason = "all connections to the database were in use"


class NotReplicated(psycopg.OperationalError):
    """The primary committed, but no synchronous standby acknowledged it. A failover could lose the transaction."""

    reason = "no synchronous standby acknowledged the commit"
