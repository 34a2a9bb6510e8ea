"""One issuer's revocation feed, followed in the background. Pure state; fetch, clocks and the poller are arguments.

Rules (docs/revocation-feed.md section 3):
- A request never waits for a poll. It reads one immutable state, swapped by one assignment.
- A document or segment that fails a check changes nothing; the last good entries stay in force.
- Entries only end by their own `until`. A full state that lacks one does not remove it.
- The feed is late if the reader has not heard from the issuer for `late_after` seconds, or if the last document has
  ended. A late feed raises an alarm, and refuses requests (503) if the settings say so. A process that starts or
  wakes up is late until its first poll.
- Many entries are merged in slices with a sleep between them, so that no other thread waits for all of them.

Entries of a segment count as soon as the segment is verified: its digest is signed, and no message removes an entry.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from resources.errors import Unavailable
from resources.refusals import Refusals
from resources.revocation_feed import CLOCK_ERROR, BadFeed, Document, Held, check_segment, number, read_document
from resources.revocation_set import BLOCKS, ENTRY, RevocationSet
from resources.verify import TrustedIssuer

logger = logging.getLogger(__name__)

MAX_ENTRIES = 4_194_304  # about 128 MiB
SWEPT = 4  # blocks swept in one poll: all of them within 64 polls
SLICE = 1024  # entries merged at once, in about a millisecond
BETWEEN = 0.0005  # seconds between two slices
FIRST_BACKOFF = 0.25  # seconds; a process that starts may have no keys yet to verify the feed with
RETRY_AFTER = 1  # seconds; the poller is about to poll

NOTHING = Held()


@dataclass(frozen=True, slots=True)
class Answer:
    """The issuer's answer to a poll; `body` is None for 304."""

    body: bytes | None


class Source(Protocol):
    """Bounded GETs of one issuer's feed."""

    def poll(self, *, since: str, conditional: bool) -> Answer:
        """Fetch what was published after `since` ("" for everything); 304 if `conditional`. Raises on any failure."""

    def segment(self, digest: str) -> bytes:
        """Fetch a segment. Raises on any failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the feed is followed; times in seconds."""

    every: float
    late_after: float
    refuse_when_late: bool
    longest_backoff: float
    max_entries: int = MAX_ENTRIES


class Follower:
    """The state of one feed.

    `clock` returns seconds that never go back and pass while the machine sleeps, `wall` the time of day. `sleep` lets
    other threads of the process run for so many seconds.
    """

    def __init__(
        self,
        source: Source,
        issuer: TrustedIssuer,
        policy: Policy,
        *,
        ring: str,
        clock: Callable[[], float],
        wall: Callable[[], datetime],
        sleep: Callable[[float], object],
        own: Refusals,
        held: Held = NOTHING,
    ) -> None:
        self._source, self._issuer, self._policy, self._ring = source, issuer, policy, ring
        self._clock, self._wall, self._sleep = clock, wall, sleep
        self._own, self.held = own, held
        self._refusals = replace(own, entries=held.entries)
        self._heard_at = -math.inf
        self._loaded: frozenset[str] = frozenset()  # segments whose entries are in the set
        self._sweep_at = 0
        self._backoff = 0.0
        self._alarms: set[str] = set()
        self._polls = self._failures = 0
        self._last_error = ""

    def refusals(self, now: datetime) -> Refusals:
        """Return what is refused. Raises Unavailable if the feed is late and `REVOCATIONS_WHEN_LATE` is "refuse"."""
        if self._policy.refuse_when_late and self._is_late(now):
            raise Unavailable(RETRY_AFTER)
        return self._refusals

    def is_ready(self) -> bool:
        """True if requests are served: the feed is not late, or the settings say to serve."""
        return not (self._policy.refuse_when_late and self._is_late(self._wall()))

    def poll(self) -> float:
        """Ask the issuer once, and return the seconds until the next poll. Never raises."""
        now, started = self._wall(), self._clock()
        try:
            document = self._fetched(now)
        except Exception as error:  # noqa: BLE001 (after any failure the last good state stays in force)
            self._failed(error)
        else:
            if document is not None:
                self._take(document)
            self._heard_at, self._backoff, self._last_error = started, 0.0, ""
            self._alarms.discard("late")
        self._sweep(now)
        self._alarm_if_late(now)
        self._polls += 1
        if self._backoff:
            return self._backoff
        more = document is not None and document.more
        return 0.0 if more else max(0.0, self._policy.every - (self._clock() - started))

    def status(self) -> dict[str, Any]:
        """Return the details for /readyz. The age is in seconds, None before the first document."""
        age = self._clock() - self._heard_at
        return {
            "age": math.floor(age) if math.isfinite(age) else None,
            "late": self._is_late(self._wall()),
            "version": self.held.version,
            "entries": self.held.entries.count,
            "near_limit": self.held.entries.count > self._policy.max_entries // 2,
            "went_back": "back" in self._alarms,
            "last_error": self._last_error,
            "polls": self._polls,
            "failures": self._failures,
        }

    def _fetched(self, now: datetime) -> Document | None:
        """Return the next document with its segments merged; None if nothing was published. Raises on any failure."""
        held = self.held
        # A 304 does not extend a document, so one that is about to end is asked for again.
        lasts = held.exp - now.timestamp() > 2 * self._policy.every
        answer = self._source.poll(since=held.version, conditional=bool(held.version) and lasts)
        if answer.body is None:
            if not (held.version and lasts):
                raise BadFeed("the issuer answered 304 to an unconditional request")
            return None
        document = read_document(answer.body, self._issuer, ring=self._ring, held=held, now=now)
        for segment in document.segments:
            if segment.digest not in self._loaded:
                body = self._source.segment(segment.digest)
                check_segment(body, segment)
                self._merge(body, now)
                self._loaded |= {segment.digest}
        self._merge(document.entries, now)
        return document

    def _merge(self, packed: bytes, now: datetime) -> None:
        entries = self.held.entries
        for start in range(0, len(packed), SLICE * ENTRY):
            if start:
                self._sleep(BETWEEN)
            entries = entries.merged(packed[start : start + SLICE * ENTRY], now=now.timestamp())
        if entries.count > self._policy.max_entries:
            raise BadFeed(f"the feed has more than {self._policy.max_entries} entries")
        self._swap(entries)
        self._alarm_if(
            "limit", entries.count > self._policy.max_entries // 2, "has more than half of the entries allowed"
        )

    def _take(self, document: Document) -> None:
        """Keep the version and times of a document after its entries are merged."""
        went_back = number(document.version) < number(self.held.version)
        self._alarm_if("back", went_back or "back" in self._alarms, "went back: the database lost revocations")
        if not document.is_delta:
            self._loaded &= {segment.digest for segment in document.segments}
        self.held = replace(self.held, version=document.version, iat=document.iat, exp=document.exp)

    def _swap(self, entries: RevocationSet) -> None:
        self.held = replace(self.held, entries=entries)
        self._refusals = replace(self._own, entries=entries)

    def _sweep(self, now: datetime) -> None:
        if self.held.entries.count:
            window = range(self._sweep_at, self._sweep_at + SWEPT)
            swept = self.held.entries.swept(window, now=now.timestamp())
            if swept is not self.held.entries:  # what is remembered with a set is dropped with it
                self._swap(swept)
        self._sweep_at = (self._sweep_at + SWEPT) % BLOCKS

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._last_error = str(error) or type(error).__name__
        longest = min(self._policy.longest_backoff, self._policy.every)
        self._backoff = min(longest, self._backoff * 2 or FIRST_BACKOFF)
        logger.warning(
            "The revocation feed of %s cannot be read; next attempt in %.0f s: %s",
            self._issuer.url,
            self._backoff,
            self._last_error,
        )

    def _is_late(self, now: datetime) -> bool:
        has_ended = self.held.exp <= now.timestamp() - CLOCK_ERROR
        return has_ended or self._clock() - self._heard_at > self._policy.late_after

    def _alarm_if_late(self, now: datetime) -> None:
        self._alarm_if("late", self._is_late(now), f"is late: {self._last_error}")

    def _alarm_if(self, name: str, raised: bool, what: str) -> None:  # noqa: FBT001 (named by its callers)
        """Log an error once while the alarm `name` is raised."""
        if raised and name not in self._alarms:
            logger.error("The revocation feed of %s %s", self._issuer.url, what)
        self._alarms = self._alarms | {name} if raised else self._alarms - {name}
