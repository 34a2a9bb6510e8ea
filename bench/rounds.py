"""Interleaved rounds: each row (a kind of request to one server) is measured once in each round.

The order of the rows differs from round to round.
"""

import os
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import TypeVar

from bench import accounting
from bench.backing import Backing
from bench.load import drive
from bench.priority import ahead
from bench.rows import Row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sample:
    """The result for one kind of request (a row of the output) in one round.

    `server`, `postgresql` and `redis` are the CPU milliseconds per request of the server, of its PostgreSQL backends,
    and of Redis.
    """

    server: float
    postgresql: float
    redis: float
    rate: float
    """Answers per second."""
    median: float
    """The median wait for an answer, in milliseconds."""

    @property
    def cpu(self) -> float:
        """Return the CPU milliseconds per request of the server, PostgreSQL and Redis together."""
        return self.server + self.postgresql + self.redis


@dataclass(frozen=True, slots=True)
class Rounds:
    """The samples of each row, one for each round."""

    samples: dict[str, list[Sample]]

    def figure(self, row: str, of: Callable[[Sample], float] = lambda sample: sample.cpu) -> float:
        """Return the median, over all rounds, of a value that `of` takes from each sample of the row.

        By default, the value is the CPU milliseconds.
        """
        return statistics.median(map(of, self.samples[row]))

    def ratio(self, row: str, to: str) -> float:
        """Return the CPU time of the row `row`, divided by that of the row `to` in the same round.

        The result is the median over the rounds.
        """
        pairs = zip(self.samples[row], self.samples[to], strict=True)
        return statistics.median(sample.cpu / other.cpu for sample, other in pairs)

    def difference(self, row: str, other: str) -> float:
        """Return the CPU milliseconds of `row`, minus those of `other` in the same round.

        The result is the median over the rounds.
        """
        pairs = zip(self.samples[row], self.samples[other], strict=True)
        return statistics.median(sample.cpu - floor.cpu for sample, floor in pairs)

    def document(self) -> dict[str, list[dict[str, float]]]:
        """Return all samples in the form in which they are written to the JSON file."""
        return {name: [asdict(sample) for sample in samples] for name, samples in self.samples.items()}


def run(rows: Sequence[Row], backing: Backing, *, count: int, seconds: float, say: Callable[[str], None]) -> Rounds:
    """Warm up each row, measure each row for `seconds` in each of `count` rounds, and return the samples.

    `say` prints the progress.
    """
    samples: dict[str, list[Sample]] = {row.name: [] for row in rows}
    for row in rows:
        measure(row, backing, seconds=seconds / 2)
    for number in range(count):
        for row in rotated(rows, number, count):
            samples[row.name].append(measure(row, backing, seconds=seconds))
        say(f"round {number + 1} of {count}: load average {os.getloadavg()[0]:.1f}")
    return Rounds(samples)


def rotated(rows: Sequence[T], number: int, count: int) -> list[T]:
    """Return the rows in the order in which round `number` (from 0) of `count` measures them.

    Each round begins with another row.
    """
    first = len(rows) * number // count
    return [*rows[first:], *rows[:first]]


def measure(row: Row, backing: Backing, *, seconds: float) -> Sample:
    """Let the row's clients send requests for `seconds`, and return the sample.

    Raises AssertionError if an answer has a status that the row does not permit.
    """
    clients = row.prepare()
    processes, before = row.server.processes(), row.server.backends()
    with prioritized([os.getpid(), *processes, *before, backing.redis_process]):
        counts = [accounting.cpu(group) for group in (processes, before, [backing.redis_process])]
        driven = drive(row.server.url, clients, seconds=seconds)
        # A connection that was opened after the first reading has no CPU time before.
        groups = (processes, {*before, *row.server.backends()}, [backing.redis_process])
        used = [accounting.cpu(group) - count for group, count in zip(groups, counts, strict=True)]
    refuse_other_statuses(row, driven.statuses)
    server, postgresql, redis = (max(0.0, cpu_seconds) * 1000 / driven.count for cpu_seconds in used)
    return Sample(server, postgresql, redis, driven.count / driven.seconds, driven.wait(0.5))


def refuse_other_statuses(row: Row, statuses: Iterable[int]) -> None:
    """Raise AssertionError if an answer has a status that the row does not permit."""
    assert set(statuses) <= set(row.statuses), (row.server.name, row.name, statuses)


@contextmanager
def prioritized(processes: Sequence[int]) -> Iterator[None]:
    """Give the processes real-time priority while the block runs, if that is allowed."""
    with ExitStack() as stack:
        for process in processes:
            stack.enter_context(ahead(process))
        yield
