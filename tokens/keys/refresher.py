"""The background refresh: one thread per process re-reads snapshots before they are old, also on an idle node.

Rules:
- The thread reads every key ring in the database, so that every ring has a snapshot when an outage begins.
- A failed read is retried in the next round. Until then, snapshots that are not older than `snapshot_age` stay in use.
- After a fork the child starts a thread of its own: threads do not survive a fork.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from tokens import conf
from tokens.keys import keyring, rings
from tokens.keys.errors import KeyProblem
from tokens.keys.read_cache import Snapshots

logger = logging.getLogger(__name__)
LOOKS = 4
"""Rounds per `reread`. A snapshot older than half of `reread` is read again."""
JOIN = 10.0  # seconds; a read that hangs ends at its own deadline

Bound = Callable[[], AbstractContextManager[object]]
Clock = Callable[[], datetime]


class Record(Protocol):
    """A function that the refresher calls after each round of reads, with this node's clock as `now`."""

    def __call__(self, *, now: datetime) -> None:
        """Do periodic work if it is due, such as writing counts. `now` is this node's clock."""


@dataclass(frozen=True, slots=True)
class Duty:
    """A set of snapshots that the refresher keeps fresh, and the function that returns their names."""

    snapshots: Snapshots[Any]
    names: Callable[[], Sequence[str]]
    """Return the names of the snapshots to keep fresh. It can query the database."""


@dataclass(slots=True)
class Listing:
    """The latest result of `Duty.names`, and this node's clock at the call."""

    names: frozenset[str]
    at: datetime


class Refresher:
    """The background thread that re-reads snapshots before requests need them.

    Keeps the arguments of `start`, to start the thread again in a forked process.
    """

    def __init__(self, duties: Sequence[Duty], *, record: Record | None = None) -> None:
        self._duties = duties
        self._record = record
        self._started_with: tuple[Clock, Bound] | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._listings: dict[Duty, Listing] = {}

    def start(self, *, clock: Clock, bound: Bound = nullcontext) -> None:
        """Start the thread unless it runs already.

        `clock()` returns this node's clock. `bound()` returns a context manager, which limits how long the database
        reads in its block can take.
        """
        if self.is_alive():
            return
        self._started_with, self._ended = (clock, bound), threading.Event()
        for duty in self._duties:
            duty.snapshots.is_refreshed = self.is_alive
        self._thread = threading.Thread(target=self._run, args=(clock, bound), name="refresh", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it. After that, requests read the database themselves."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(JOIN)
        self._thread, self._started_with, self._listings = None, None, {}

    def is_alive(self) -> bool:
        """Return True if the thread runs in this process."""
        return self._thread is not None and self._thread.is_alive()

    def start_again_in_child(self) -> None:
        """Start the thread again in a forked process, if the parent process had started the thread."""
        if self._started_with is not None:
            clock, bound = self._started_with
            self._thread = None  # threads do not survive a fork
            self.start(clock=clock, bound=bound)

    def is_unknown(self, duty: Duty, name: str, *, now: datetime) -> bool:
        """Return True if the thread knows that no snapshot of `duty` is called `name`. A request then needs no query.

        The thread knows the names from its latest call of `duty.names`. Returns False if this call is older than
        `snapshot_age`, or if the thread does not run.
        """
        listing = self._listings.get(duty)
        if listing is None or not self.is_alive() or now - listing.at > conf.issuer().key_policy.snapshot_age:
            return False
        return name not in listing.names

    def look(self, *, clock: Clock, bound: Bound = nullcontext) -> None:
        """Do one round: re-read each snapshot that is missing or older than half of the timing `reread`.

        Then call the `record` function that the refresher was created with, if any. `clock()` returns this node's
        clock. `bound()` returns a context manager, which limits how long the database reads in its block can take.
        """
        for duty in self._duties:
            for name in self._names(duty, bound, now=clock()):
                try:
                    with bound():
                        duty.snapshots.refresh(name, node_time=clock())
                except KeyProblem as problem:  # no key or no snapshot yet: requests report it
                    logger.debug("Not refreshed: %s", problem)
        if self._record is not None:
            with bound():
                self._record(now=clock())

    def _names(self, duty: Duty, bound: Bound, *, now: datetime) -> Sequence[str]:
        try:
            with bound():
                names = duty.names()
        except (DatabaseError, InterfaceError):
            return duty.snapshots.names()
        self._listings[duty] = Listing(frozenset(names), now)
        return names

    def _run(self, clock: Clock, bound: Bound) -> None:
        """Do a round (`look`) repeatedly, until `stop` is called.

        The pause between rounds is the timing `reread` divided by LOOKS. Logs an unexpected exception and continues.
        """
        ended = self._ended
        try:
            while not ended.is_set():
                try:
                    close_old_connections()
                    self.look(clock=clock, bound=bound)
                except Exception:
                    # The thread must survive unexpected errors.
                    logger.exception("The background refresh failed and will be retried")
                ended.wait(conf.issuer().key_policy.reread.total_seconds() / LOOKS)
        finally:
            connections.close_all()


RINGS = Duty(keyring.snapshots, rings.names)
