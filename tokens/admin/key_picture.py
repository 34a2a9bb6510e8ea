"""Lay out the timeline of a key ring as an SVG picture. Pure.

- Each key is a row. Each phase of the key is a bar on the row's time axis.
- Lengths are in units of the SVG's viewBox. x grows with time, y from the oldest key to the newest.
- The axis spans all dates of the drawn keys, the present and the next step, with a margin on both sides.
- The picture shows all published keys. Of the keys that are no longer published, it shows the newest SHOWN_ENDED.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tokens.keys.rules.lifecycle import PUBLISHED, Phase
from tokens.keys.rules.timeline import Line
from tokens.keys.trust import utc

LEFT, WIDTH, ROW, TOP = 170, 760, 44, 34
RIGHT = LEFT + WIDTH
SHOWN_ENDED = 3
"""Number of withdrawn, revoked and cancelled keys that are drawn. The table below the picture lists them all."""
TICKS = 5
AHEAD = 0.08
"""Margin after the last date, as a share of the time span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The bar of one phase of a key, as coordinates of the SVG."""

    phase: Phase
    x: float
    width: float
    start: str
    end: str
    """`start` and `end` are instants as text. `end` is empty if no end is planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The row of one key in the picture.

    The row has a bar for each phase, and a mark for the expiry of the key's last token. The row of a revoked key also
    has a mark for the flush. The flush is a switch to a new signing key, planned by the revocation, at which verifiers
    fetch the keys again and so drop the revoked key.
    """

    line: Line
    y: int
    bars: tuple[Bar, ...]
    expires_x: float | None
    """Position of the instant when the last token signed by the key expires. None if there is no such instant."""
    flush_x: float | None
    """Position of the flush of a revoked key. None if there is no flush."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A date below the picture."""

    x: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The data with which the template draws the timeline of a key ring."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    now_x: float
    step_x: float | None
    width: int
    height: int
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP


@dataclass(frozen=True, slots=True)
class Scale:
    """The conversion of instants to x coordinates of the picture."""

    start: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        """Return the x position of an instant. An instant outside the picture gets the position of the nearest edge."""
        share = (at - self.start) / (self.end - self.start)
        return round(LEFT + WIDTH * min(max(share, 0), 1), 1)


def picture(lines: Sequence[Line], *, next_step: datetime, now: datetime) -> Picture:
    """Return the picture of a key ring at `now`.

    `lines` has a line for each key of the ring. `next_step` is the instant of the rotation's next step.
    """
    drawn = _drawn(lines)
    scale = _scale(drawn, next_step=next_step, now=now)
    rows = tuple(_row(line, number, scale) for number, line in enumerate(drawn))
    return Picture(
        rows=rows,
        ticks=_ticks(scale),
        now_x=scale.x(now),
        step_x=scale.x(next_step) if next_step > now else None,
        width=RIGHT + 30,
        height=TOP + ROW * len(rows) + 34,
    )


def _drawn(lines: Sequence[Line]) -> list[Line]:
    ended = [line for line in lines if line.phase not in PUBLISHED]
    hidden = {line.kid for line in ended[:-SHOWN_ENDED]}
    return [line for line in lines if line.kid not in hidden]


def _scale(lines: Sequence[Line], *, next_step: datetime, now: datetime) -> Scale:
    dates = [stretch.start for line in lines for stretch in line.stretches]
    dates += [at for line in lines for at in (line.last_token_expires_at, line.flush_at) if at]
    first, last = min([now, *dates]), max([now, next_step, *dates])
    span = max(last - first, timedelta(seconds=10))  # never 0: `x` divides by it
    return Scale(first - span * AHEAD / 4, last + span * AHEAD)


def _row(line: Line, number: int, scale: Scale) -> Row:
    """Return the picture's row for one key, with a bar for each phase. The top row has the `number` 0."""
    bars = tuple(
        Bar(
            phase=stretch.phase,
            x=(x := scale.x(stretch.start)),
            width=max(round((scale.x(stretch.end) if stretch.end else RIGHT) - x, 1), 2),  # always visible
            start=utc(stretch.start),
            end=utc(stretch.end) if stretch.end else "",
        )
        for stretch in line.stretches
    )
    expires, flush = line.last_token_expires_at, line.flush_at
    return Row(
        line=line,
        y=TOP + ROW * number,
        bars=bars,
        expires_x=scale.x(expires) if expires else None,
        flush_x=scale.x(flush) if flush else None,
    )


def _ticks(scale: Scale) -> tuple[Tick, ...]:
    span = scale.end - scale.start
    shape = "%H:%M:%S" if span < timedelta(hours=1) else "%m-%d %H:%M" if span < timedelta(days=4) else "%Y-%m-%d"
    instants = [scale.start + span * (number + 0.5) / TICKS for number in range(TICKS)]
    return tuple(Tick(x=scale.x(at), label=f"{at:{shape}}") for at in instants)
