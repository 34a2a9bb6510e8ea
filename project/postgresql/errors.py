"""Errors of bounded database work, derived from psycopg's, which Django translates. `reason` is for the log."""

import psycopg


class DeadlinePassed(psycopg.OperationalError):
    """The database did not answer within the budget; the transaction, if there was one, is not committed."""

    reason = "the database did not answer in time"


class NotTried(psycopg.OperationalError):
    """The database was not asked, because it failed another request a moment ago."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotReplicated(psycopg.OperationalError):
    """The primary committed, but no synchronous standby acknowledged it: a failover might lose it."""

    reason = "no synchronous standby acknowledged the commit"
