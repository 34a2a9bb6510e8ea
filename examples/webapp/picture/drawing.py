"""Coordinates of the picture's lifelines and arrows, in units of the SVG's viewBox. Pure.

The viewBox fits a phone's width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from examples.webapp.picture.steps import LIFELINES, Drawn

WIDTH = 360
COLUMNS = (36, 132, 228, 324)
TOP = 28
ROW = 34
HEAD = 6


@dataclass(frozen=True, slots=True)
class Line:
    """An arrow with its coordinates. `head` has the corners of the triangle at its tip."""

    drawn: Drawn
    x1: int
    x2: int
    y: int
    head: str

    @property
    def middle(self) -> int:
        """Return the horizontal coordinate of the label, halfway between the ends of the arrow."""
        return (self.x1 + self.x2) // 2


def height(rows: int) -> int:
    """Return the height of a picture with `rows` arrows, one below the other."""
    return TOP + ROW * (rows + 1) - ROW // 2


def lifelines() -> tuple[tuple[str, int], ...]:
    """Return the name and the horizontal coordinate of each lifeline."""
    return tuple(zip(LIFELINES, COLUMNS, strict=True))


def lines(arrows: Sequence[Drawn]) -> tuple[Line, ...]:
    """Return each arrow with its coordinates, from top to bottom."""
    return tuple(_line(drawn, TOP + ROW * number) for number, drawn in enumerate(arrows, start=1))


def _line(drawn: Drawn, y: int) -> Line:
    x1, x2 = COLUMNS[drawn.arrow.start], COLUMNS[drawn.arrow.end]
    back = x2 - HEAD if x2 > x1 else x2 + HEAD
    return Line(drawn, x1, x2, y, f"{x2},{y} {back},{y - HEAD // 2} {back},{y + HEAD // 2}")
