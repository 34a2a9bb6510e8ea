"""Sets gauges of a process's state, such as open circuit breakers, every few seconds (EVERY).

A thread reads the state from memory, so that it does not wait for a database.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from django.utils import timezone

from project.metrics import catalog
from project.metrics.labels import Names
from project.postgresql.circuit import circuits
from resources.telemetry.metrics import Metric, put

logger = logging.getLogger(__name__)
EVERY = 5.0  # seconds
Sample = tuple[Metric, float, tuple[str, ...]]
Reader = Callable[[datetime], Iterable[Sample]]
"""A function that gets this node's clock and yields gauges."""
dependencies = Names(50)
"""The label values of databases in the circuit breaker metric, at most 50. Lives as long as the process."""


def of_databases(_now: datetime) -> Iterator[Sample]:
    """Yield the state of the circuit breakers of the databases that this process has used."""
    for alias, kind, is_open in circuits.states():
        yield catalog.CIRCUIT, is_open, (dependencies.label(f"database:{alias}:{kind}"),)


def record(samples: Iterable[Sample]) -> None:
    """Set the gauge of each sample to the value of the sample."""
    for metric, value, label_values in samples:
        put(metric, float(value), *label_values)


class Sampler:
    """A thread that calls each of `readers` every `every` seconds, and sets the gauges that they yield."""

    def __init__(self, readers: Sequence[Reader], *, every: float = EVERY) -> None:
        self._readers, self._every = readers, every
        self._ended = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Make the thread end as soon as it has completed any reading in progress. Does not wait for the end."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            for read in self._readers:
                try:
                    record(read(timezone.now()))
                except Exception:
                    logger.exception("Metrics could not be read")
