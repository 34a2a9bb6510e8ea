"""Which ring signs for an API, and how an API moves from one to another without losing a token. Pure.

An API that has moved trusts its own ring alone. While it moves, the JWKS of a ring of its own shows the keys of both,
so that it verifies tokens of either by the one that it reads; the default ring's shows its own at all times. Until
the first key of the new ring takes over, which may be later than was planned, the previous ring signs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

DEFAULT_RING = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An API's last move between rings."""

    ring: str
    """The ring that signs for it from `at` on."""
    previous: str
    """The ring that signed before."""
    at: datetime | None
    """When it takes over: None while no key of it is planned to sign, which may have been revoked before it did."""
    settled_at: datetime | None
    """When no token of the previous ring can be valid any more; None while it signs."""

    def signing(self, *, now: datetime) -> str:
        """The ring that signs at `now`."""
        return self.ring if self.at is not None and self.at <= now else self.previous

    def trusted(self, *, now: datetime) -> tuple[str, ...]:
        """The rings whose signatures for the API are good at `now`."""
        return (self.ring,) if self.is_settled(now=now) else (self.ring, self.previous)

    def is_settled(self, *, now: datetime) -> bool:
        """Whether the previous ring is out of use for the API."""
        return self.settled_at is not None and self.settled_at <= now


Moves = Mapping[str, Move]
"""By the API's identifier; an API that never moved is on the default ring."""


def signing(audience: str, moves: Moves, *, now: datetime) -> str:
    """The ring that signs for `audience`."""
    return moves[audience].signing(now=now) if audience in moves else DEFAULT_RING


def trusted(audience: str, moves: Moves, *, now: datetime) -> tuple[str, ...]:
    """The rings whose signatures for `audience` are good."""
    return moves[audience].trusted(now=now) if audience in moves else (DEFAULT_RING,)


def shown(ring: str, moves: Iterable[Move], *, now: datetime) -> tuple[str, ...]:
    """The rings whose keys the JWKS of `ring` shows.

    The default ring's shows its own only. A ring that no API is on shows the default ring's as well, so that an API can
    read it before it moves there, and go on reading it after it moved back.
    """
    if ring == DEFAULT_RING:
        return (DEFAULT_RING,)
    here = [move for move in moves if ring in (move.ring, move.previous)]
    moving = [name for move in here if not move.is_settled(now=now) for name in (move.ring, move.previous)]
    unused = not moving and all(move.ring != ring for move in here)
    return tuple(dict.fromkeys([ring, *moving, *([DEFAULT_RING] if unused else [])]))
