"""Stands in for psycopg in Django's backend. It has the same names, but the budget bounds the time of `connect`."""

import time
from functools import partial
from typing import Any

import psycopg
from psycopg import *  # noqa: F403 (Django looks up psycopg's names here)

from project.postgresql import attempt
from project.postgresql.budget import current
from project.postgresql.connection import Connection
from project.postgresql.errors import DeadlinePassed


def connect(**parameters: Any) -> Connection:  # type: ignore[no-redef]
    """Connect to PostgreSQL. Raises DeadlinePassed if no server answers within the budget.

    Each host gets an equal share of the remaining budget, so that a host that hangs leaves time for the next.
    """
    budget = current()
    if budget is None:
        return Connection.connect(**parameters)
    if not budget.left:
        raise DeadlinePassed(DeadlinePassed.reason)
    hosts = _hosts(parameters)
    for number, host in enumerate(hosts):
        started = time.monotonic()
        try:
            connecting = partial(Connection.connect, **parameters | host)
            return attempt.within(budget.next / (len(hosts) - number), connecting, discard=Connection.close)
        except psycopg.OperationalError:
            if number == len(hosts) - 1:
                raise
        finally:
            budget.spend(time.monotonic() - started)
    raise DeadlinePassed(DeadlinePassed.reason)


def _hosts(parameters: dict[str, Any]) -> list[dict[str, str]]:
    """Return `host` and `port` of each host to connect to in turn.

    Returns one empty dict if there is one host, or if libpq must choose the host.
    """
    hosts = str(parameters.get("host", "")).split(",")
    if len(hosts) == 1 or "hostaddr" in parameters or parameters.get("target_session_attrs") == "prefer-standby":
        return [{}]
    ports = str(parameters.get("port", "")).split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    if len(ports) != len(hosts):  # libpq reports the error
        return [{}]
    return [{"host": host, "port": port} for host, port in zip(hosts, ports, strict=True)]
