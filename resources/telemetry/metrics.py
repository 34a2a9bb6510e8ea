"""The metrics of an API process. Recording them does nothing until they are exported (prometheus.py).

- Other modules record values by `add` and `put`. Both do nothing if no exporter (a `Sink`) is attached.
- A label has a bounded number of values: results, reasons, and the issuers in the settings. Input of a client never
  becomes a label.
- A point in time is exported as seconds since the epoch, so that its age is right even if the process stops recording.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

Kind = Literal["counter", "gauge", "histogram"]
Merge = Literal["min", "max", "sum", "mostrecent"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its exported name, its meaning, and the names of its labels."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    merge: Merge = "max"
    """The way in which the values of several worker processes become one value, if the metric is a gauge."""


class Sink(Protocol):
    """The interface of an exporter of metrics. Many threads call its methods."""

    def add(self, metric: Metric, labels: tuple[str, ...], amount: float) -> None:
        """Increase the counter `metric` by `amount`. If `metric` is a histogram, add the observation `amount`."""

    def put(self, metric: Metric, labels: tuple[str, ...], value: float) -> None:
        """Set the gauge `metric` with these labels to `value`."""


TOKENS = Metric(
    "keyturn_api_tokens_total",
    "counter",
    "Requests with a token, by result (accepted, refused, proof_refused, unavailable, …) and reason of the refusal",
    ("result", "reason"),
)
JWKS_FETCHES = Metric(
    "keyturn_api_jwks_fetches_total",
    "counter",
    "Fetches of the issuer's JWKS, by result (read, not_modified, failed)",
    ("issuer", "result"),
)
JWKS_KEYS = Metric("keyturn_api_jwks_keys", "gauge", "Entries of the last fetched JWKS", ("issuer",), "mostrecent")
JWKS_FETCHED = Metric(
    "keyturn_api_jwks_fetched_timestamp_seconds",
    "gauge",
    "When the JWKS was last fetched; the worker process with the oldest keys counts",
    ("issuer",),
    "min",
)
FEED_POLLS = Metric(
    "keyturn_api_feed_polls_total",
    "counter",
    "Polls of the revocation feed, by result (read, failed)",
    ("issuer", "result"),
)
FEED_VERSION = Metric(
    "keyturn_api_feed_version",
    "gauge",
    "The number of the feed's version that every worker process has reached",
    ("issuer",),
    "min",
)
FEED_ENTRIES = Metric("keyturn_api_feed_entries", "gauge", "Revocations that are in force", ("issuer",))
FEED_HEARD = Metric(
    "keyturn_api_feed_heard_timestamp_seconds",
    "gauge",
    "When the issuer last answered a poll; the worker process that waits longest counts",
    ("issuer",),
    "min",
)
FEED_LATE = Metric("keyturn_api_feed_late", "gauge", "1 if the feed is late in a worker process, else 0", ("issuer",))

METRICS = (
    *(TOKENS, JWKS_FETCHES, JWKS_KEYS, JWKS_FETCHED),
    *(FEED_POLLS, FEED_VERSION, FEED_ENTRIES, FEED_HEARD, FEED_LATE),
)

sinks: list[Sink] = []
"""The exporters of this process. Empty until the metrics are exported. Lives as long as the process."""


def add(metric: Metric, *labels: str, amount: float = 1.0) -> None:
    """Increase the counter `metric` by `amount`. If `metric` is a histogram, add the observation `amount`."""
    for sink in sinks:
        sink.add(metric, labels, amount)


def put(metric: Metric, value: float, *labels: str) -> None:
    """Set the gauge `metric` with these labels to `value`."""
    for sink in sinks:
        sink.put(metric, labels, value)


def poll_samples(status: dict[str, Any], *, now: datetime) -> Iterator[tuple[Metric, float]]:
    """Yield the gauges of a followed feed. `status` is the result of `Follower.status`, `now` is the current time."""
    yield FEED_VERSION, float(str(status["version"] or "0").partition(".")[0])
    yield FEED_ENTRIES, float(status["entries"])
    yield FEED_LATE, float(status["late"])
    if status["age"] is not None:
        yield FEED_HEARD, (now - timedelta(seconds=status["age"])).timestamp()
