"""The same request at an issuer with few rows in its tables, and at one with many rows.

The module compares the latencies, and the costs of each SQL statement.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from bench.backing import Cost
from bench.figures import Row as Line
from bench.rounds import Sample
from bench.rows import Row

MOST = 1.2
"""A latency is flat if, with many rows, it is at most this multiple of the latency with few rows."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same kind of request at two issuers, one with few rows in its tables and one with many.

    `samples` has, for each round, the sample of the issuer with few rows and that of the issuer with many rows.
    """

    few: Row
    many: Row
    samples: list[tuple[Sample, Sample]]

    def turn(self, number: int) -> tuple[Row, Row]:
        """Return `few` and `many` in the order in which round `number` measures them.

        Even rounds begin with `few`, odd rounds with `many`.
        """
        return (self.few, self.many) if number % 2 == 0 else (self.many, self.few)

    def line(self) -> Line:
        """Return the line of the output with the latency with many rows, divided by that with few rows.

        The figure is the median of this ratio over the rounds.
        """
        ratio = statistics.median(many.median / few.median for few, many in self.samples)
        return Line(self.few.name, ratio, MOST, "x")

    def detail(self) -> str:
        """Return medians as text: latency with few and with many rows, then CPU time with few and with many rows."""
        few, many = zip(*self.samples, strict=True)
        latency, cpu = ([of(few), of(many)] for of in (_latency, _cpu))
        return f"{latency[0]:7.2f} {latency[1]:7.2f} ms   CPU {cpu[0]:6.2f} {cpu[1]:6.2f} ms"

    def document(self) -> list[list[dict[str, float]]]:
        """Return the samples of all rounds in the form in which --json prints them."""
        return [[asdict(few), asdict(many)] for few, many in self.samples]


@dataclass(frozen=True, slots=True)
class Counted:
    """The SQL statements that the database ran for `requests` requests, with their costs."""

    requests: int
    costs: Sequence[Cost]

    def of_request(self, cost: Cost) -> str:
        """Return `cost`, the total of one SQL statement, divided by the number of requests: ms, pages and bytes."""
        pages = f"{cost.hit / self.requests:6.1f} + {cost.read / self.requests:5.2f} pages"
        return f"{cost.time / self.requests:7.3f} ms, {pages}, {cost.wal / self.requests:6.0f} B"


def explained(few: Counted, many: Counted) -> Iterator[str]:
    """Yield a line for each SQL statement that runs in at least half of the requests.

    A line has the costs per request with few rows in the tables, then those with many rows, then the statement. The
    costs are milliseconds, pages found in memory, pages read, and bytes of write-ahead log.
    """
    others = {cost.query: cost for cost in few.costs}
    for cost in many.costs:
        if cost.calls * 2 >= many.requests and cost.query in others:
            before, text = few.of_request(others[cost.query]), " ".join(cost.query.split())
            yield f"  {before} | {many.of_request(cost)} | {text[:110]}"


def _latency(samples: Sequence[Sample]) -> float:
    return statistics.median(sample.median for sample in samples)


def _cpu(samples: Sequence[Sample]) -> float:
    return statistics.median(sample.server + sample.postgresql for sample in samples)
