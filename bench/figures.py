"""A row of a benchmark's output: a figure with its target and a verdict."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A measured figure.

    `most` is the target that the figure must not exceed, or None if there is none. `before` is the figure of the
    earlier build.
    """

    name: str
    figure: float
    most: float | None
    unit: str
    before: float | None = None

    def __str__(self) -> str:
        target = "no target" if self.most is None else f"<= {self.most:<7g}"
        verdict = "" if self.most is None else "met" if self.figure <= self.most else "MISSED"
        before = "" if self.before is None else f"before: {self.before:.2f}"
        return f"{self.name:<62} {self.figure:9.2f} {self.unit:<4} {target:<10} {verdict:<6} {before}".rstrip()


def load() -> str:
    """Return the load average of the machine as text.

    Other work on the machine makes measured times longer, but hardly affects CPU time.
    """
    return "load average " + " ".join(f"{load:.1f}" for load in os.getloadavg())
