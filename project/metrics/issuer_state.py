"""The state of the issuer as gauges: keys and caches from memory, revocation feed and jobs from the database."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from django.db import DatabaseError, InterfaceError

from project.metrics import catalog, state
from project.metrics.labels import Names
from project.metrics.state import Sample
from tokens.audit import jobs
from tokens.keys import keyring
from tokens.keys.ring_snapshot import Snapshot
from tokens.keys.rules import lifecycle
from tokens.limits import cache_circuit
from tokens.models import JobRun, WaitingEntry
from tokens.revoking import feed_log

logger = logging.getLogger(__name__)
EVERY = 15.0  # seconds
MOST_WAITING = 10_000
"""The most waiting entries that are counted, because counting takes as long as reading them."""
rings, job_names = Names(50), Names(50)
"""The names that became labels. They live as long as the process."""


def of_memory(now: datetime) -> Iterator[Sample]:
    """Yield the state of this process's caches, and of each ring (set of signing keys) that the process has read.

    `now` is the time of this node's clock.
    """
    for name in keyring.snapshots.names():
        if (snapshot := keyring.snapshots.latest(name)) is not None:
            yield from of_ring(rings.label(name), snapshot, now=snapshot.carried(node_time=now))
    # The label is the name of the cache, not its location, which can contain a password.
    for alias in cache_circuit.ALIASES:
        yield catalog.CIRCUIT, cache_circuit.is_unreachable(alias), (f"cache:{alias}",)


def of_ring(ring: str, snapshot: Snapshot, *, now: datetime) -> Iterator[Sample]:
    """Yield the state of a ring, which is a set of signing keys, at `now` (the database's clock)."""
    keys, policy = [row.key for row in snapshot.stored], snapshot.policy
    signer, planned = lifecycle.signer(keys, now=now), lifecycle.planned(keys, now=now)
    due = planned.start if planned and planned.start else lifecycle.due(keys, policy=policy, now=now)
    closed = [
        row
        for row in snapshot.stored
        if row.sealed is not None and not row.key.discarded and row.key.kid not in snapshot.pairs
    ]
    if signer and signer.signs_at:
        yield catalog.KEY_STARTED, signer.signs_at.timestamp(), (ring,)
    yield catalog.ROTATION_DUE, due.timestamp(), (ring,)
    yield catalog.ROTATION_OVERDUE, lifecycle.overdue(keys, policy=policy, now=now), (ring,)
    yield catalog.STANDBY, lifecycle.standby(keys) is not None, (ring,)
    yield catalog.CAN_SIGN, signer is not None and signer.kid in snapshot.pairs, (ring,)
    yield catalog.UNREADABLE, len(closed) + len(snapshot.changed), (ring,)
    yield catalog.SNAPSHOT, snapshot.clock_time.timestamp(), (ring,)


def of_database() -> Iterator[Sample]:
    """Yield the state of the revocation feed, and the times at which jobs last completed."""
    size = feed_log.size()
    yield catalog.FEED_VERSION, size.version, ()
    yield catalog.FEED_ENTRIES, size.entries, ()
    yield catalog.FEED_WAITING, WaitingEntry.objects.all()[:MOST_WAITING].count(), ()
    for name, ended_at in JobRun.objects.values_list("name", "ended_at"):
        if name == jobs.POLLED:
            yield catalog.FEED_POLLED, ended_at.timestamp(), ()
        else:
            yield catalog.JOB_ENDED, ended_at.timestamp(), (job_names.label(name),)


class DatabaseReader:
    """A function that reads the database for metrics, at most once in EVERY seconds.

    Only the thread of `tokens.background` calls it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._read_at = clock, float("-inf")

    def __call__(self, _now: datetime) -> None:
        """Set the gauges from the database, unless it was read less than EVERY seconds ago.

        If the database does not answer, the gauges keep their values.
        """
        if self._clock() - self._read_at < EVERY:
            return
        self._read_at = self._clock()
        try:
            state.record(of_database())
        except (DatabaseError, InterfaceError) as error:
            logger.debug("The database does not answer, so its metrics stay: %s", type(error).__name__)
