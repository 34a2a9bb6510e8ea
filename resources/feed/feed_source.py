"""The arguments of `feed_follower.Follower`. Pure.

- `Source` fetches documents and segments of an issuer's revocation feed.
- `Policy` has the settings, such as the time between two polls.
- `Time` has the functions that read clocks and wait.

Tests pass their own objects, which use no network and do not wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

MAX_ENTRIES = 4_194_304  # about 128 MiB


@dataclass(frozen=True, slots=True)
class Answer:
    """The issuer's answer to a poll. `body` is None if the status is 304."""

    body: bytes | None


class Source(Protocol):
    """The source of one issuer's revocation feed. Each fetch is within bounds of time and size."""

    def poll(self, *, since: str, conditional: bool) -> Answer:
        """Fetch the changes since the version `since`, or a full state if `since` is "". Raises on any failure.

        If `conditional` is True, the issuer may answer 304 if there are no changes.
        """

    def segment(self, digest: str) -> bytes:
        """Fetch the segment of the feed with this digest (SHA-256 in base64url). Raises on any failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings for following a feed. Times are in seconds."""

    every: float
    late_after: float
    refuse_when_late: bool
    longest_backoff: float
    max_entries: int = MAX_ENTRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """The functions by which a follower reads clocks and waits. Tests replace them."""

    clock: Callable[[], float]
    """Returns monotonic seconds. They include the time in which the machine is suspended."""
    time_of_day: Callable[[], datetime]
    """Returns the current date and time."""
    sleep: Callable[[float], object]
    """Sleeps for a number of seconds, and yields to other threads of the process."""
