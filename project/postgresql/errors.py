"""Errors of the backend with deadlines. The attribute `reason` is for the audit log.

The errors are subclasses of psycopg's OperationalError, so that Django translates them into its own OperationalError.
"""

import psycopg


class DeadlinePassed(psycopg.OperationalError):
    """The database did not answer within the budget. The transaction is not committed."""

    reason = "the database did not answer in time"


class NotTried(psycopg.OperationalError):
    """Raised while a circuit breaker is open after an earlier failure. Nothing is sent to the database."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoConnection(psycopg.OperationalError):
    """Raised if all shared connections were in use by other threads until the deadline."""

    reason = "all connections to the database were in use"


class NotReplicated(psycopg.OperationalError):
    """The primary committed, but no synchronous standby acknowledged it. A failover could lose the transaction."""

    reason = "no synchronous standby acknowledged the commit"
