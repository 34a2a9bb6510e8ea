"""Verifies access tokens with the pure modules of `resources`, which need neither Django nor a database.

A thread polls the issuer's revocation feed, so that a revoked token is refused after the next poll.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from resources.feed.feed_address import DEFAULT_RING, FeedAddress
from resources.feed.feed_follower import Follower
from resources.feed.feed_source import Policy, Time
from resources.issuer_trust import TrustedIssuer
from resources.issuers.poller import Poller
from resources.keysets.discovery import Discovery
from resources.keysets.key_policy import Timing
from resources.keysets.keyset import KeySet
from resources.principal import AccessToken
from resources.revocations.refusals import Refusals
from resources.verify import credentials, verify

ALGORITHMS = frozenset({"RS256"})
LATE_AFTER = 4  # polls without an answer, after which the feed is late; known revocations stay in force


@dataclass(frozen=True, slots=True)
class Verifier:
    """A verifier of one issuer's tokens for one resource. It fetches the issuer's keys when it first needs them."""

    issuer: TrustedIssuer
    resource: str

    def token(self, authorization: str | None, *, also_in_query: bool) -> AccessToken | None:
        """Return the verified token of an Authorization header, or None if the header has no bearer token.

        `also_in_query` is True if the URL has a token, too. Blocks while keys are fetched. Raises InvalidRequest if the
        header is malformed or the URL also has a token, InvalidToken if a check of the token fails, and Unavailable if
        the token cannot be verified now.
        """
        raw = credentials(authorization, also_in_query=also_in_query)
        if raw is None:
            return None
        return verify(
            raw,
            issuers={self.issuer.url: self.issuer},
            audience=frozenset({self.resource}),
            now=datetime.now(UTC),
        )

    def ready(self) -> bool:
        """Return True if at least one key is known. If none is known, try once to fetch the keys first."""
        return self.issuer.keys.ready()


def verifier(issuer: str, resource: str, *, timing: Timing, poll_every: float) -> Verifier:
    """Return the verifier of an issuer's tokens for the API `resource`.

    `timing` says how long fetched keys are used, and how long a fetch may take. `poll_every` is the interval between
    two polls of the revocation feed, in seconds.
    """
    keys = KeySet(Discovery(issuer, ALGORITHMS, clock=_clock, deadline=timing.deadline), clock=_clock, timing=timing)
    refusals = _refusals(TrustedIssuer(issuer, ALGORITHMS, keys), timing=timing, every=poll_every)
    return Verifier(TrustedIssuer(issuer, ALGORITHMS, keys, refusals), resource)


def _refusals(issuer: TrustedIssuer, *, timing: Timing, every: float) -> Callable[[datetime], Refusals]:
    """Return a function that takes the current time, and returns the revocations that are known at this time.

    The first call of the function starts a thread, which polls the issuer's revocation feed. `every` is the interval
    between two polls in seconds. `timing` limits the duration of a poll and the pause after failures.
    """
    follower = Follower(
        FeedAddress(f"{issuer.url.rstrip('/')}/oauth/revocations", _clock, timing.deadline),
        issuer,
        Policy(
            every=every,
            late_after=LATE_AFTER * every,
            refuse_when_late=False,
            longest_backoff=timing.longest_backoff,
        ),
        Time(clock=_clock, time_of_day=lambda: datetime.now(UTC), sleep=time.sleep),
        ring=DEFAULT_RING,
        configured=Refusals(),
    )
    poller = Poller(follower, Follower.poll, name="mcp-revocations")

    def refusals(now: datetime) -> Refusals:
        poller.start()
        return follower.refusals(now)

    return refusals


def _clock() -> float:
    # Where the system has CLOCK_BOOTTIME, it also counts the time in which the machine is suspended.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
