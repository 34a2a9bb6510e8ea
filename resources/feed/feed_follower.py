"""Follows a revocation feed in the background, and holds its state. Pure: fetch, clocks and sleep are arguments.

Rules (docs/revocation-feed.md section 3):
- A request never waits for a poll. It reads an immutable state, which a poll replaces by one assignment.
- A document or segment that fails a check changes nothing. The entries that were accepted before remain in use.
- An entry is removed after its `until`, and never before. If a full state lacks an entry, the entry stays, because the
  issuer's database can have lost it.
- The feed is late if the issuer has not answered for `late_after` seconds, or if the last document has expired. The
  `late_after` seconds include the time in which the machine is suspended. After the start of a process, the feed is
  late until the first successful poll.
- While the feed is late, requests are refused with 503 if `refuse_when_late` is set. An error is logged once.
- Many entries are merged in slices with a sleep after each slice, so that no other thread waits for the whole merge.

The entries of a segment take effect as soon as the segment is verified, before the rest of the document is merged. This
is safe, because the digest of the segment is signed and no document removes an entry.
"""

import logging
import math
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..errors import Unavailable
from ..issuer_trust import TrustedIssuer
from ..revocations.refusals import Refusals
from ..revocations.revocation_set import BLOCKS, ENTRY, RevocationSet
from .feed_source import Policy, Source, Time
from .revocation_feed import CLOCK_ERROR, BadFeed, Document, FeedState, check_segment, number, read_document

logger = logging.getLogger(__name__)

SWEPT = 4  # blocks swept in one poll, which is all blocks within 64 polls
SLICE = 1024  # entries merged at once, in about a millisecond
BETWEEN = 0.0005  # seconds between two slices
FIRST_BACKOFF = 0.25  # seconds; short, because a starting process often has no keys yet to verify the feed
RETRY_AFTER = 1  # seconds; the poller polls soon

NO_STATE = FeedState()


class Follower:
    """A follower of the revocation feed of one ring (a set of signing keys with a JWKS). It holds the feed's entries.

    `configured` has the key IDs (kid), token IDs (jti) and hook function by which this API's settings refuse tokens.
    `refusals` returns these together with the entries of the feed.
    """

    def __init__(
        self,
        source: Source,
        issuer: TrustedIssuer,
        policy: Policy,
        time: Time,
        *,
        ring: str,
        configured: Refusals,
        state: FeedState = NO_STATE,
    ) -> None:
        self._source, self._issuer, self._policy, self._ring = source, issuer, policy, ring
        self._time = time
        self._configured, self.state = configured, state
        self._refusals = replace(configured, entries=state.entries)
        self._heard_at = -math.inf
        self._loaded: frozenset[str] = frozenset()  # segments whose entries are in the set
        self._sweep_at = 0
        self._backoff = 0.0
        self._alarms: set[str] = set()
        self._polls = self._failures = 0
        self._last_error = ""

    def refusals(self, now: datetime) -> Refusals:
        """Return the reasons to refuse tokens: the entries of the feed, and what the settings refuse.

        Raises Unavailable if the feed is late and `refuse_when_late` is set.
        """
        if self._policy.refuse_when_late and self._is_late(now):
            raise Unavailable(RETRY_AFTER)
        return self._refusals

    def is_ready(self) -> bool:
        """Return True if `refusals` does not raise: the feed is not late, or the settings accept a late feed."""
        return not (self._policy.refuse_when_late and self._is_late(self._time.time_of_day()))

    def poll(self) -> float:
        """Poll the issuer once, and return the seconds until the next poll. Never raises."""
        now, started = self._time.time_of_day(), self._time.clock()
        try:
            document = self._fetch_next(now)
        except Exception as error:  # noqa: BLE001 (after any failure the last good state stays in force)
            self._record_failure(error)
        else:
            if document is not None:
                self._accept(document)
            # The time of the answer is the start of the poll: the issuer can revoke a token right after it answered.
            self._heard_at, self._backoff, self._last_error = started, 0.0, ""
            self._alarms.discard("late")
        self._sweep(now)
        self._alarm_if_late(now)
        self._polls += 1
        if self._backoff:
            return self._backoff
        more = document is not None and document.more
        return 0.0 if more else max(0.0, self._policy.every - (self._time.clock() - started))

    def status(self) -> dict[str, Any]:
        """Return the state of the feed for /readyz.

        The member "age" is the seconds since the issuer's last answer, or None before the first answer.
        """
        age = self._time.clock() - self._heard_at
        return {
            "age": math.floor(age) if math.isfinite(age) else None,
            "late": self._is_late(self._time.time_of_day()),
            "version": self.state.version,
            "entries": self.state.entries.count,
            "near_limit": self.state.entries.count > self._policy.max_entries // 2,
            "went_back": "back" in self._alarms,
            "last_error": self._last_error,
            "polls": self._polls,
            "failures": self._failures,
        }

    def _fetch_next(self, now: datetime) -> Document | None:
        """Fetch the next document, merge its entries, and return the document.

        Returns None if the issuer answered 304. Raises on any failure.
        """
        state = self.state
        # A 304 does not extend the life of the last document, so the request is unconditional if that document expires
        # soon.
        lasts = state.exp - now.timestamp() > 2 * self._policy.every
        answer = self._source.poll(since=state.version, conditional=bool(state.version) and lasts)
        if answer.body is None:
            if not (state.version and lasts):
                raise BadFeed("the issuer answered 304 to an unconditional request")
            return None
        document = read_document(answer.body, self._issuer, ring=self._ring, state=state, now=now)
        for segment in document.segments:
            if segment.digest not in self._loaded:
                body = self._source.segment(segment.digest)
                check_segment(body, segment)
                self._merge(body, now)
                self._loaded |= {segment.digest}
        self._merge(document.entries, now)
        return document

    def _merge(self, packed: bytes, now: datetime) -> None:
        """Add entries to the set of revocations, in slices with a pause between two slices.

        `packed` has the entries, one after another, in ENTRY bytes each. Raises BadFeed if the set becomes too large.
        """
        entries = self.state.entries
        for start in range(0, len(packed), SLICE * ENTRY):
            if start:
                self._time.sleep(BETWEEN)
            entries = entries.merged(packed[start : start + SLICE * ENTRY], now=now.timestamp())
        if entries.count > self._policy.max_entries:
            raise BadFeed(f"the feed has more than {self._policy.max_entries} entries")
        self._swap(entries)
        self._alarm_if(
            "limit", entries.count > self._policy.max_entries // 2, "has more than half of the entries allowed"
        )

    def _accept(self, document: Document) -> None:
        """Store the version and times of a document whose entries have been merged."""
        went_back = number(document.version) < number(self.state.version)
        self._alarm_if("back", went_back or "back" in self._alarms, "went back: the issuer's database lost revocations")
        if not document.is_delta:
            # A full state lists every segment. Segments that it does not list will not be listed again.
            self._loaded &= {segment.digest for segment in document.segments}
        self.state = replace(self.state, version=document.version, iat=document.iat, exp=document.exp)

    def _swap(self, entries: RevocationSet) -> None:
        """Use `entries` from now on, for requests and for later polls."""
        self.state = replace(self.state, entries=entries)
        self._refusals = replace(self._configured, entries=entries)

    def _sweep(self, now: datetime) -> None:
        """Remove the expired entries from the next SWEPT blocks of the set."""
        # Only some of the blocks, so that no poll takes long.
        if self.state.entries.count:
            window = range(self._sweep_at, self._sweep_at + SWEPT)
            swept = self.state.entries.swept(window, now=now.timestamp())
            if swept is not self.state.entries:  # a new set has empty caches, so it is used only if it differs
                self._swap(swept)
        self._sweep_at = (self._sweep_at + SWEPT) % BLOCKS

    def _record_failure(self, error: Exception) -> None:
        """Count and log a failed poll, and double the backoff, up to its limit."""
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
        expired = self.state.exp <= now.timestamp() - CLOCK_ERROR
        return expired or self._time.clock() - self._heard_at > self._policy.late_after

    def _alarm_if_late(self, now: datetime) -> None:
        self._alarm_if("late", self._is_late(now), f"is late: {self._last_error}")

    def _alarm_if(self, name: str, raised: bool, text: str) -> None:  # noqa: FBT001 (a parameter, not an option)
        """Log `text` as an error when the alarm `name` begins. Do not log it again while the alarm lasts.

        `raised` is True while the alarm lasts, and False if it has ended.
        """
        if raised and name not in self._alarms:
            logger.error("The revocation feed of %s %s", self._issuer.url, text)
        self._alarms = self._alarms | {name} if raised else self._alarms - {name}
