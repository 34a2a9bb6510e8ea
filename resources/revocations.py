"""What an issuer has taken back: its revocation feed, followed, and believed only with the issuer's own signature.

The feed is a compact JWS of type `revocations+jwt`; its contract is below. Pure state, as keyset.py:
the fetch and the clock are arguments, readers take no lock.
"""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from resources.denials import NOTHING, Denials
from resources.errors import InvalidToken, Unavailable
from resources.flight import Flight, Flights, in_a_thread
from resources.verify import (
    LEEWAY,
    MAX_AHEAD,
    TrustedIssuer,
    check_signature,
    header,
    is_instant,
    json_object,
    segments,
)

logger = logging.getLogger(__name__)

FEED = frozenset({"revocations+jwt", "application/revocations+jwt"})
MAX_FEED = 4 * 1024 * 1024
EARLY = 0.8  # of the polling time: then the next poll starts in the background
LISTS = frozenset({"jti", "grant", "sub", "client", "pair", "kid"})


class BadFeed(Exception):
    """The feed is not what its issuer would say; the message tells why."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that was verified: when the issuer made it, until when it holds (Unix seconds), and what it denies."""

    iat: float
    exp: float
    denials: Denials


@dataclass(frozen=True, slots=True)
class FetchedFeed:
    """A feed as it arrived; `body` is None for "not modified"."""

    body: bytes | None
    etag: str = ""


class FetchFeed(Protocol):
    """One bounded GET of the feed."""

    def __call__(self, *, etag: str) -> FetchedFeed:
        """Fetch; raises on any failure."""


def read_feed(body: bytes, issuer: TrustedIssuer, *, now: datetime, previous: Feed | None = None) -> Feed:
    """The feed in `body`. Raises BadFeed: a feed older than `previous`, or signed by what that denies, is none."""
    try:
        token = body.decode("ascii").strip()
        head, payload, signature = segments(token, longest=MAX_FEED)
        kid, algorithm = header(head, types=FEED)
        check_signature(token, kid, algorithm, signature, issuer)
        claims = json_object(payload)
    except (InvalidToken, UnicodeDecodeError) as error:
        raise BadFeed(f"the feed does not verify: {error}") from error
    iat, exp, seconds = claims.get("iat"), claims.get("exp"), now.timestamp()
    if claims.get("iss") != issuer.url:
        raise BadFeed("the feed is another issuer's")
    if not is_instant(iat) or not is_instant(exp) or iat > seconds + MAX_AHEAD or exp <= seconds - LEEWAY:
        raise BadFeed("the feed's times are missing, over, or not yet come")
    if previous and (iat < previous.iat or kid in previous.denials.kids):
        raise BadFeed("the feed is older than the one before, or signed by a denied key")
    return Feed(iat, exp, _denials(claims.get("denied")))


def _denials(denied: object) -> Denials:
    if not isinstance(denied, dict):
        raise BadFeed("the feed denies nothing that can be read")
    if unknown := denied.keys() - LISTS:
        logger.error("the revocation feed has %d lists that this version does not know", len(unknown))
    kids = denied.get("kid", [])
    if not isinstance(kids, list) or not all(isinstance(kid, str) for kid in kids):
        raise BadFeed("the feed's list of kid is malformed")
    return Denials(
        kids=frozenset(kids),
        tokens=frozenset(_listed(denied, "jti")),
        grants=frozenset(_listed(denied, "grant")),
        subjects=_issued_before(denied, "sub"),
        clients=_issued_before(denied, "client"),
        pairs=_issued_before(denied, "pair"),
    )


def _listed(denied: Mapping[str, Any], name: str) -> Mapping[str, float]:
    """Identifiers with the instant until which the issuer lists them; while it does, they are denied."""
    listed = denied.get(name, {})
    if not isinstance(listed, dict) or not all(is_instant(until) for until in listed.values()):
        raise BadFeed(f"the feed's list of {name} is malformed")
    return listed


def _issued_before(denied: Mapping[str, Any], name: str) -> dict[str, float]:
    listed = denied.get(name, {})
    if not isinstance(listed, dict) or not all(_pair(value) for value in listed.values()):
        raise BadFeed(f"the feed's list of {name} is malformed")
    return {identifier: issued_before for identifier, (issued_before, _) in listed.items()}


def _pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == len(("issued_before", "until")) and all(map(is_instant, value))


class Follower:
    """One issuer's feed, kept current by the requests that ask for it."""

    def __init__(
        self,
        fetch: FetchFeed,
        issuer: TrustedIssuer,
        *,
        clock: Callable[[], float],
        every: float,
        late_after: float,
        refuse_when_late: bool,
        deadline: float,
        waiters: int,
        patience: float,
        longest_backoff: float,
        always: Denials = NOTHING,
        spawn: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        self._fetch, self._issuer, self._clock, self._always = fetch, issuer, clock, always
        self._every, self._late_after, self._refuse_when_late = every, late_after, refuse_when_late
        self._patience = patience
        self._feed: Feed | None = None
        self._denials, self._etag, self._checked_at, self._alarmed = always, "", -math.inf, False
        self._now: datetime | None = None
        self._flights: Flights[tuple[Feed, str]] = Flights(
            self._load,
            self._keep,
            clock=clock,
            deadline=deadline,
            waiters=waiters,
            patience=patience,
            longest_backoff=min(longest_backoff, every),
            spawn=spawn,
        )

    def denials(self, now: datetime) -> Denials:
        """What is denied, as of less than the polling time ago. Raises Unavailable when late and told to refuse.

        Polls in the background while the last poll is recent enough; waits for one, bounded, when it is not.
        """
        age = self._clock() - self._checked_at
        if age >= EARLY * self._every:
            self._now = now
            flight = self._flights.start(allowed=lambda: self._clock() - self._checked_at >= EARLY * self._every)
            if flight and age >= self._every and self._clock() - flight.started < self._patience:
                self._flights.wait(flight)
        self._watch(now)
        return self._denials

    def status(self) -> dict[str, Any]:
        """What an operator wants to know; the age is in seconds, None before the first feed."""
        age = self._clock() - self._checked_at
        return {
            "age": math.floor(age) if math.isfinite(age) else None,
            "late": age > self._late_after,
            "last_error": self._flights.last_error,
            "fetches": self._flights.attempts,
            "failures": self._flights.failures,
        }

    def _watch(self, now: datetime) -> None:
        expired = self._feed is not None and self._feed.exp <= now.timestamp() - LEEWAY
        late = expired or self._clock() - self._checked_at > self._late_after
        if late and not self._alarmed:
            logger.error("the revocation feed of %s is late: %s", self._issuer.url, self._flights.last_error)
        self._alarmed = late
        if late and self._refuse_when_late:
            raise Unavailable(self._flights.retry_after())

    def _load(self, _flight: Flight) -> tuple[Feed, str]:
        now, feed = self._now, self._feed
        assert now is not None  # noqa: S101 (a flight starts in `denials` only)
        # A feed that is about to end is fetched whole: "not modified" would not make it hold any longer.
        lasting = feed is not None and feed.exp - now.timestamp() > 2 * self._every
        fetched = self._fetch(etag=self._etag if lasting else "")
        if fetched.body is None and feed is not None:
            return feed, fetched.etag or self._etag
        return read_feed(fetched.body or b"", self._issuer, now=now, previous=feed), fetched.etag

    def _keep(self, flight: Flight, brought: tuple[Feed, str]) -> None:
        self._feed, self._etag = brought
        self._checked_at = flight.started
        self._denials = self._feed.denials.union(self._always)
