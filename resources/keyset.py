"""The public keys of one issuer, kept: when they are fresh, when they may still serve, and when to ask again.

Pure state: the fetch and the clock are arguments. Readers take no lock: the snapshot is immutable and is swapped by
one assignment.
"""

import logging
import math
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from resources.errors import Unavailable
from resources.flight import Flight, Flights, in_a_thread
from resources.jwk import Key, Verdict
from resources.thread_limit import WaitingRoom

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long keys are kept and how often the issuer is asked; seconds.

    An API uses a copy of the JWKS for at most fresh_at_most + stale + deadline: the T of the issuer's rotation rules.
    """

    fresh: float = 300
    fresh_at_least: float = 60
    fresh_at_most: float = 3600
    stale: float = 3600
    deadline: float = 5
    refresh_at: float = 0.8
    jitter: float = 0.1
    unknown_attempts: int = 2
    unknown_every: float = 10
    unknown_remembered: int = 128
    unknown_for: float = 60
    waiters: int = 8
    patience: float = 2
    longest_backoff: float = 60

    @property
    def longest_use(self) -> float:
        """T: the longest time that a copy of the JWKS is used."""
        return self.fresh_at_most + self.stale + self.deadline


PRODUCTION = Timing()
# A whole rotation can be watched within two minutes: T is 12 s.
DEVELOPMENT = Timing(fresh=5, fresh_at_least=5, fresh_at_most=5, stale=5, deadline=2, longest_backoff=2)
POLICIES: Mapping[str, Timing] = {"production": PRODUCTION, "development": DEVELOPMENT}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A JWKS as it arrived: a verdict per entry, or None for "not modified"; `max_age` is seconds left of it."""

    verdicts: Sequence[Verdict] | None
    etag: str = ""
    max_age: float | None = None


class Fetch(Protocol):
    """One bounded GET of an issuer's JWKS."""

    def __call__(self, *, etag: str, forced: bool) -> Fetched:
        """Fetch; `etag` is what we have, `forced` asks caches on the way to look again. Raises on any failure."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The keys of one successful fetch. Times are of the injected clock; they count from when the fetch began."""

    keys: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    etag: str = ""
    fetched_at: float = -math.inf
    refresh_at: float = -math.inf
    fresh_until: float = -math.inf
    stale_until: float = -math.inf


class KeySet:
    """One issuer's keys. Threads share it; a forked process keeps the snapshot and starts its own fetches."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        clock: Callable[[], float],
        timing: Timing = PRODUCTION,
        spawn: Callable[[Callable[[], None]], None] = in_a_thread,
        jitter: Callable[[], float] = random.random,
        room: WaitingRoom | None = None,
    ) -> None:
        self._fetch, self._clock, self._timing, self._jitter = fetch, clock, timing, jitter
        self._snapshot = Snapshot()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._published: Mapping[str, None] = {}  # every kid that a fetch has brought, the latest last; bounded
        self._bucket, self._bucket_at = float(timing.unknown_attempts), clock()
        self._flights: Flights[Fetched] = Flights(
            lambda flight: self._fetch(etag=self._snapshot.etag, forced=flight.forced),
            self._keep,
            clock=clock,
            deadline=timing.deadline,
            waiters=timing.waiters,
            patience=timing.patience,
            longest_backoff=timing.longest_backoff,
            spawn=spawn,
            room=room,
        )

    def find(self, kid: str, algorithm: str) -> Sequence[Key]:
        """The keys under `kid` for `algorithm`; empty when the issuer has none such. Raises Unavailable.

        A known kid never waits. An unknown one, or a process without keys, waits for at most one fetch.
        """
        now, snapshot = self._clock(), self._snapshot
        if now >= snapshot.stale_until:
            keys = self._first_look(kid)
        elif not (keys := snapshot.keys.get(kid, ())):
            keys = self._second_look(kid, snapshot)
        elif now >= snapshot.refresh_at and now >= self._flights.next_attempt:
            self._flights.start(allowed=lambda: self._snapshot is snapshot)
        return [key for key in keys if algorithm in key.algorithms]

    def doubt(self) -> None:
        """A known key did not verify a signature: look again in the background, within the bucket of unknown kids."""
        self._force(self._snapshot)

    def ready(self) -> bool:
        """Whether there are keys to verify with, after one attempt to get them."""
        self._wait_for_keys()
        return bool(self.status()["usable"])

    def status(self) -> dict[str, Any]:
        """What an operator wants to know; ages and times are whole seconds from now."""
        now, snapshot, flights = self._clock(), self._snapshot, self._flights
        return {
            "kids": sorted(snapshot.keys),
            "age": _seconds(now - snapshot.fetched_at),
            "fresh": now < snapshot.fresh_until,
            "usable": now < snapshot.stale_until and bool(snapshot.keys),
            "next_attempt": max(0, _seconds(max(snapshot.refresh_at, flights.next_attempt) - now) or 0),
            "last_error": flights.last_error,
            "fetches": flights.attempts,
            "failures": flights.failures,
            "unknown_kids": len(self._unknown),
        }

    def _wait_for_keys(self) -> bool:
        """Whether the snapshot may serve, after waiting for at most one fetch if it may not."""
        if self._clock() < self._snapshot.stale_until:
            return True
        flight = self._flights.start(allowed=lambda: self._clock() >= self._snapshot.stale_until)
        if flight is not None:
            self._flights.wait(flight)
        return self._clock() < self._snapshot.stale_until

    def _first_look(self, kid: str) -> Sequence[Key]:
        """Look `kid` up in a process that has no keys (yet, or any more)."""
        if not self._wait_for_keys():
            raise Unavailable(self._flights.retry_after())
        return self._answer(kid)

    def _second_look(self, kid: str, seen: Snapshot) -> Sequence[Key]:
        """Look up a kid that `seen` lacks, after asking the issuer again if the bucket allows."""
        if seen.keys and self._unknown.get(kid, -math.inf) > self._clock():
            return ()
        flight = self._force(seen)
        if flight is not None and not self._flights.wait(flight):
            raise Unavailable(self._flights.retry_after())
        return self._answer(kid)

    def _answer(self, kid: str) -> Sequence[Key]:
        """The keys of `kid`, or that there are none: said only if a successful fetch of late lacked it."""
        now, snapshot = self._clock(), self._snapshot
        if keys := snapshot.keys.get(kid):
            return keys
        if not snapshot.keys or now - snapshot.fetched_at > self._timing.unknown_every:
            raise Unavailable(max(self._flights.retry_after(), math.ceil(self._until_next_token(now))))
        self._unknown[kid] = self._unknown_until(kid, now)
        while len(self._unknown) > self._timing.unknown_remembered:
            self._unknown.popitem(last=False)
        return ()

    def _unknown_until(self, kid: str, now: float) -> float:
        """Return the time until which `kid` is answered as unknown without another fetch."""
        # A kid that was published before can come back: its absence counts for as long as the fetch that lacked it.
        if kid in self._published:
            return self._snapshot.fetched_at + self._timing.unknown_every
        return now + self._timing.unknown_for

    def _force(self, seen: Snapshot) -> Flight | None:
        """A fetch that goes past caches, paid from the bucket; none if the snapshot is no longer the one `seen`."""
        return self._flights.start(forced=True, allowed=lambda: self._snapshot is seen and self._take_token())

    def _take_token(self) -> bool:
        now = self._clock()
        full, every = float(self._timing.unknown_attempts), self._timing.unknown_every
        self._bucket = min(full, self._bucket + (now - self._bucket_at) / every)
        self._bucket_at = now
        if self._bucket < 1:
            return False
        self._bucket -= 1
        return True

    def _until_next_token(self, now: float) -> float:
        return max(0.0, (1 - self._bucket) * self._timing.unknown_every - (now - self._bucket_at))

    def _keep(self, flight: Flight, fetched: Fetched) -> None:
        """Swap the snapshot. What a successful fetch lacks ends at once: an emergency removal must bite."""
        keys, etag = self._snapshot.keys, fetched.etag or self._snapshot.etag
        if fetched.verdicts is not None:
            keys, etag = _by_kid(fetched.verdicts), fetched.etag
            known = [*(kid for kid in self._published if kid not in keys), *keys]
            self._published = dict.fromkeys(known[-self._timing.unknown_remembered :])
            if keys != self._snapshot.keys:
                _report(fetched.verdicts)
                self._unknown.clear()
        timing = self._timing
        fresh = timing.fresh if fetched.max_age is None else fetched.max_age
        fresh = min(timing.fresh_at_most, max(timing.fresh_at_least, fresh))
        self._snapshot = Snapshot(
            keys=keys,
            etag=etag,
            fetched_at=flight.started,
            refresh_at=flight.started + fresh * timing.refresh_at * (1 - timing.jitter * self._jitter()),
            fresh_until=flight.started + fresh,
            stale_until=flight.started + fresh + timing.stale,
        )


class PinnedKeys:
    """Keys that were given, not fetched: for tests and for islands without a network."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        self.verdicts = tuple(verdicts)
        self._keys = _by_kid(verdicts)

    def find(self, kid: str, algorithm: str) -> Sequence[Key]:
        """The keys under `kid` for `algorithm`."""
        return [key for key in self._keys.get(kid, ()) if algorithm in key.algorithms]

    def doubt(self) -> None:
        """Nothing: there is nobody to ask."""

    def ready(self) -> bool:
        """Whether any key was given."""
        return bool(self._keys)

    def status(self) -> dict[str, Any]:
        """As of KeySet, as far as it applies."""
        return {"kids": sorted(self._keys), "pinned": True, "usable": bool(self._keys)}


def _by_kid(verdicts: Sequence[Verdict]) -> dict[str, tuple[Key, ...]]:
    keys: dict[str, tuple[Key, ...]] = {}
    for verdict in verdicts:
        if verdict.key:
            keys[verdict.kid] = (*keys.get(verdict.kid, ()), verdict.key)
    return keys


def _report(verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.problem:
            level = logging.ERROR if verdict.secret else logging.WARNING
            logger.log(level, "key %r of the JWKS is not used: %s", verdict.kid, verdict.problem)


def _seconds(value: float) -> int | None:
    return math.floor(value) if math.isfinite(value) else None
