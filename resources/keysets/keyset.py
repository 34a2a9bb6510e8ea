"""The cached public keys of one issuer: how long they are fresh, how long they may be used, and when to fetch again.

- A request with a known kid does not wait while keys are usable. Keys are refreshed in the background before they
  become stale, and are still used for `stale` seconds if the refresh fails (stale-while-revalidate, stale-if-error: RFC
  5861).
- A request waits for at most one fetch if its kid is unknown or the process has no usable keys.
- A fetch for an unknown kid bypasses caches. A token bucket of `unknown_attempts`, refilled by one per `unknown_every`
  seconds, limits such fetches, because an attacker can send unknown kids.
- The result "no such key" requires a JWKS that was fetched within the last `unknown_every` seconds. Otherwise, the
  request gets Unavailable (503). The result is remembered for at most `unknown_for` seconds.
- A key that is missing in a newly fetched JWKS is dropped at once, because an issuer withdraws a leaked key in this
  way.
- Readers take no lock. The snapshot is immutable and is replaced by one assignment.

Pure state: the fetch and the clock are arguments.
"""

import logging
import math
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import Unavailable
from ..jose.jwk import Key, Verdict, by_kid
from ..thread_limit import WaitLimit
from .flight import Flight, Flights, in_a_thread
from .key_policy import PRODUCTION, Timing
from .token_bucket import TokenBucket

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The result of a request for a JWKS.

    `verdicts` has one Verdict (a usable key or a problem) for each entry of the JWKS. It is None if the JWKS has not
    changed (304). `max_age` is in seconds.
    """

    verdicts: Sequence[Verdict] | None
    etag: str = ""
    max_age: float | None = None


class Fetch(Protocol):
    """The type of functions that fetch an issuer's JWKS within bounds of time and size."""

    def __call__(self, *, etag: str, forced: bool) -> Fetched:
        """Fetch the JWKS. Raises on any failure.

        If the JWKS still has the entity tag `etag`, `verdicts` of the result is None. If `forced` is True, HTTP caches
        have to revalidate their copy.
        """


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The keys of one successful fetch. Times are seconds of the key set's clock."""

    keys: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    etag: str = ""
    fetched_at: float = -math.inf
    refresh_at: float = -math.inf
    fresh_until: float = -math.inf
    stale_until: float = -math.inf


class KeySet:
    """The cached keys of one issuer, shared by threads. A forked process keeps the snapshot, and fetches on its own."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        clock: Callable[[], float],
        timing: Timing = PRODUCTION,
        spawn: Callable[[Callable[[], None]], None] = in_a_thread,
        jitter: Callable[[], float] = random.random,
        wait_limit: WaitLimit | None = None,
    ) -> None:
        self._fetch, self._clock, self._timing, self._jitter = fetch, clock, timing, jitter
        self._snapshot, self._unknown = Snapshot(), OrderedDict[str, float]()
        self._published: Mapping[str, None] = {}  # the kids of past and present fetches, the latest last; bounded
        self._bucket = TokenBucket(timing.unknown_attempts, timing.unknown_every, clock=clock)
        self._flights: Flights[Fetched] = Flights(
            lambda flight: self._fetch(etag=self._snapshot.etag, forced=flight.forced),
            self._keep,
            clock=clock,
            limits=timing.limits,
            spawn=spawn,
            wait_limit=wait_limit,
        )

    def find(self, kid: str, algorithm: str) -> Sequence[Key]:
        """Return the keys with this `kid` for `algorithm`.

        The result is empty if the issuer publishes no such key.

        If the kid is unknown or no keys are usable, waits for at most one fetch. Raises Unavailable if it is still not
        known whether the issuer publishes the key.
        """
        now, snapshot = self._clock(), self._snapshot
        if now >= snapshot.stale_until:
            if not self._wait_for_keys():
                raise Unavailable(self._flights.retry_after())
            keys = self._answer(kid)
        elif not (keys := snapshot.keys.get(kid, ())):
            keys = self._find_unknown(kid, snapshot)
        elif now >= snapshot.refresh_at and now >= self._flights.next_attempt:
            self._flights.start(condition=lambda: self._snapshot is snapshot)
        return [key for key in keys if algorithm in key.algorithms]

    def recheck(self) -> None:
        """Fetch the keys again in the background, if the token bucket allows."""
        # Without the bucket, an attacker could cause any number of fetches with forged signatures.
        self._start_forced(self._snapshot)

    def ready(self) -> bool:
        """Return True if there is a key to verify with, after at most one attempt to fetch keys."""
        self._wait_for_keys()
        return bool(self.status()["usable"])

    def status(self) -> dict[str, Any]:
        """Return the state of the keys for /readyz. Times are whole seconds.

        "age" is the time since the last successful fetch, or None before the first one. "next_attempt" is the
        time until another fetch can start.
        """
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
        """Wait for at most one fetch if the snapshot is too old. Return True if the snapshot is usable afterwards."""
        if self._clock() < self._snapshot.stale_until:
            return True
        flight = self._flights.start(condition=lambda: self._clock() >= self._snapshot.stale_until)
        if flight is not None:
            self._flights.wait(flight)
        return self._clock() < self._snapshot.stale_until

    def _find_unknown(self, kid: str, snapshot: Snapshot) -> Sequence[Key]:
        """Return the keys of a kid that `snapshot` lacks, after at most one fetch.

        The result is empty if the issuer publishes no such key. Raises Unavailable if the fetch does not end in time,
        or if the last successful fetch is not recent afterwards.
        """
        if snapshot.keys and self._unknown.get(kid, -math.inf) > self._clock():
            return ()
        flight = self._start_forced(snapshot)
        if flight is not None and not self._flights.wait(flight):
            raise Unavailable(self._flights.retry_after())
        return self._answer(kid)

    def _answer(self, kid: str) -> Sequence[Key]:
        """Return the keys of `kid` in the snapshot.

        If the snapshot lacks `kid`, but has other keys and was fetched recently, the result is empty. If it lacks `kid`
        and has no other keys or is older, raises Unavailable.
        """
        now, snapshot = self._clock(), self._snapshot
        if keys := snapshot.keys.get(kid):
            return keys
        if not snapshot.keys or now - snapshot.fetched_at > self._timing.unknown_every:
            raise Unavailable(max(self._flights.retry_after(), math.ceil(self._bucket.until_refill(now))))
        self._unknown[kid] = self._unknown_until(kid, now)
        while len(self._unknown) > self._timing.unknown_remembered:
            self._unknown.popitem(last=False)
        return ()

    def _unknown_until(self, kid: str, now: float) -> float:
        """Return the time until which no fetch is started for the unknown `kid`, in seconds of the clock."""
        # If the kid was published before, its absence can be a mistake of the issuer. Then a fetch is allowed sooner.
        if kid in self._published:
            return self._snapshot.fetched_at + self._timing.unknown_every
        return now + self._timing.unknown_for

    def _start_forced(self, snapshot: Snapshot) -> Flight | None:
        """Start a fetch that bypasses HTTP caches, or return the running fetch.

        Returns None during the backoff after a failure, if `snapshot` was replaced, or if the token bucket is empty.
        """
        return self._flights.start(forced=True, condition=lambda: self._snapshot is snapshot and self._bucket.take())

    def _keep(self, flight: Flight, fetched: Fetched) -> None:
        """Replace the snapshot by the result of `flight`. Keys that a newly fetched JWKS lacks are dropped."""
        keys, etag = self._snapshot.keys, fetched.etag or self._snapshot.etag
        if fetched.verdicts is not None:
            keys, etag = by_kid(fetched.verdicts), fetched.etag
            kids = [*(kid for kid in self._published if kid not in keys), *keys]
            self._published = dict.fromkeys(kids[-self._timing.unknown_remembered :])
            if keys != self._snapshot.keys:
                _report(fetched.verdicts)
                self._unknown.clear()
        # Times are measured from the start of the fetch: the issuer can change its keys right after it answered.
        # The jitter keeps processes from fetching at the same time.
        timing, fresh = self._timing, self._timing.fresh_for(fetched.max_age)
        self._snapshot = Snapshot(
            keys=keys,
            etag=etag,
            fetched_at=flight.started,
            refresh_at=flight.started + fresh * timing.refresh_at * (1 - timing.jitter * self._jitter()),
            fresh_until=flight.started + fresh,
            stale_until=flight.started + fresh + timing.stale,
        )


def _report(verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.problem:
            level = logging.ERROR if verdict.secret else logging.WARNING
            logger.log(level, "Key %r of the JWKS is not used: %s", verdict.kid, verdict.problem)


def _seconds(value: float) -> int | None:
    return math.floor(value) if math.isfinite(value) else None
