"""Runs the background thread of a server process, and fills the caches of the process at its start.

The thread refreshes the cached signing keys and metadata before they are too old to be used. The thread also records
the newest state of the database in Redis (`high_water`), and writes the counts of tokens and refusals. Server processes
start the thread (project/background.py), management commands do not.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from tokens.audit.tally import tally
from tokens.clients import registry
from tokens.keys import keyring
from tokens.keys.errors import KeyProblem
from tokens.keys.refresher import RINGS, Duty, Refresher
from tokens.limits import rate_limit
from tokens.limits.cache_circuit import NotCounted
from tokens.metadata import catalog
from tokens.revoking import high_water
from tokens.settings.rate import Rate

observers: list[Callable[[datetime], None]] = []
"""Functions that read the database for metrics (project/metrics/). `record` calls them after each round.

The list lives as long as the process.
"""


def record(*, now: datetime) -> None:
    """Record the state of the database in Redis, write the counts of tokens and refusals, and call `observers`.

    The functions in `observers` update the metrics. `now` is the time of this node's clock.
    """
    high_water.recorder.record(now=now)
    tally.flush(now=now)
    for observe in observers:
        observe(now)


def warm(*, now: datetime) -> None:
    """Read keys, metadata and recent clients into this process's caches, and sign once with each ring's signing key.

    A server process calls `warm` before it accepts requests. `now` is the time of this node's clock. Raises
    Django's database errors if the database fails. Ignores KeyProblem.
    """
    for duty in DUTIES:
        for name in duty.names():
            with suppress(KeyProblem):
                duty.snapshots.refresh(name, node_time=now)
    for ring in RINGS.names():
        with suppress(KeyProblem):
            keyring.signer(ring, now=keyring.carried_clock(now=now)).sign(b"warm")
    registry.read_recent(RECENT_CLIENTS)


def connect(*, now: datetime) -> None:
    """Open this thread's connections to the database and to the cache of the rate limits.

    `now` is the time of this node's clock. Raises Django's database errors if the database fails. Ignores a failure of
    the cache.
    """
    registry.version()
    with suppress(NotCounted):
        rate_limit.count("start", (), UNLIMITED, now=now)


DUTIES = (RINGS, Duty(catalog.snapshots, lambda: (catalog.REGISTRY,)))
RECENT_CLIENTS = 10
UNLIMITED = Rate(sys.maxsize, 60)
refresher = Refresher(DUTIES, record=record)
"""The refresher lives as long as the process. Its thread runs from `start` to `stop`."""
# Threads do not survive a fork, so a worker process starts its own.
os.register_at_fork(after_in_child=refresher.start_again_in_child)
