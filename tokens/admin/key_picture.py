"""A ring's timeline as a picture: where each bar of an SVG lies. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tokens.keys.rules.lifecycle import PUBLISHED, Phase
from tokens.keys.rules.timeline import Line

LEFT, WIDTH, ROW, TOP = 170, 760, 44, 34
RIGHT = LEFT + WIDTH
SHOWN_ENDED = 3
"""How many of the keys that have ended are drawn; the table below the picture names them all."""
TICKS = 5
AHEAD = 0.08
"""How much of the width is left free after the last date that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One phase of a key."""

    phase: Phase
    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One key."""

    line: Line
    y: int
    bars: tuple[Bar, ...]
    dies_x: float | None
    flush_x: float | None
    """Where the flush of a revoked key is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A date under the picture."""

    x: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything that the template draws; lengths are the viewBox's units."""

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
    """From instants to the x axis."""

    start: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        """Where an instant lies, cut to the picture."""
        share = (at - self.start) / (self.end - self.start)
        return round(LEFT + WIDTH * min(max(share, 0), 1), 1)


def picture(lines: Sequence[Line], *, next_step: datetime, now: datetime) -> Picture:
    """The picture of a ring at `now`; `next_step` is when something happens next."""
    shown = _shown(lines)
    scale = _scale(shown, next_step=next_step, now=now)
    rows = tuple(_row(line, number, scale) for number, line in enumerate(shown))
    return Picture(
        rows=rows,
        ticks=_ticks(scale),
        now_x=scale.x(now),
        step_x=scale.x(next_step) if next_step > now else None,
        width=RIGHT + 30,
        height=TOP + ROW * len(rows) + 34,
    )


def _shown(lines: Sequence[Line]) -> list[Line]:
    ended = [line for line in lines if line.phase not in PUBLISHED]
    hidden = {line.kid for line in ended[:-SHOWN_ENDED]}
    return [line for line in lines if line.kid not in hidden]


def _scale(lines: Sequence[Line], *, next_step: datetime, now: datetime) -> Scale:
    known = [stretch.start for line in lines for stretch in line.stretches]
    known += [at for line in lines for at in (line.last_token_dies_at, line.flush_at) if at]
    first, last = min([now, *known]), max([now, next_step, *known])
    span = max(last - first, timedelta(seconds=10))
    return Scale(first - span * AHEAD / 4, last + span * AHEAD)


def _row(line: Line, number: int, scale: Scale) -> Row:
    bars = tuple(
        Bar(
            phase=stretch.phase,
            x=(x := scale.x(stretch.start)),
            width=max(round((scale.x(stretch.end) if stretch.end else RIGHT) - x, 1), 2),
            title=f"{stretch.phase} from {_utc(stretch.start)}{f' until {_utc(stretch.end)}' if stretch.end else ''}",
        )
        for stretch in line.stretches
    )
    dies, flush = line.last_token_dies_at, line.flush_at
    return Row(
        line=line,
        y=TOP + ROW * number,
        bars=bars,
        dies_x=scale.x(dies) if dies else None,
        flush_x=scale.x(flush) if flush else None,
    )


def _ticks(scale: Scale) -> tuple[Tick, ...]:
    span = scale.end - scale.start
    shape = "%H:%M:%S" if span < timedelta(hours=1) else "%d %b %H:%M" if span < timedelta(days=4) else "%d %b %Y"
    instants = [scale.start + span * (number + 0.5) / TICKS for number in range(TICKS)]
    return tuple(Tick(x=scale.x(at), label=f"{at:{shape}}") for at in instants)


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
