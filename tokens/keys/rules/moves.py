"""Compute which key ring signs for an API during its move to another ring, so that no token is refused. Pure.

Rules:
- The previous ring signs until the first key of the new ring starts, even if this key starts later than planned.
- A move begins when it is planned. It is settled when no token of the previous ring can be valid any more.
- Until the move is settled, the JWKS of each of the two rings shows the keys of both. So the API can verify all tokens
  with one JWKS. Exception: if one of the two is the default ring, its JWKS does not show the keys of the other.
- The API trusts both rings until the move is settled. Then it trusts the new ring alone.
- The JWKS of a ring that no API uses also shows the keys of the default ring.

Worked example: an API moves from the default ring to `orders`.

    day 0    planned: `orders` signs from day 2 on    default signs    orders.json shows orders, default
    day 2    moved                                    orders signs     orders.json shows orders, default
    +71 min  settled: no token of `default` is valid  orders signs     orders.json shows orders
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

DEFAULT_RING = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An API's last move between key rings."""

    ring: str
    """The key ring that signs for the API from `at` on."""
    previous: str
    """The key ring that signs for the API before `at`."""
    at: datetime | None
    """When `ring` takes over; None if no key of `ring` has started or is planned to start."""
    settled_at: datetime | None
    """When no token of the previous key ring can be valid any more; None if `at` is None."""

    def signing(self, *, now: datetime) -> str:
        """Return the key ring that signs for the API at `now`, the database's clock."""
        return self.ring if self.at is not None and self.at <= now else self.previous

    def trusted(self, *, now: datetime) -> tuple[str, ...]:
        """Return the key rings whose signatures for the API are valid at `now`."""
        return (self.ring,) if self.is_settled(now=now) else (self.ring, self.previous)

    def is_settled(self, *, now: datetime) -> bool:
        """Return True if the API does not trust the previous key ring any more."""
        return self.settled_at is not None and self.settled_at <= now


Moves = Mapping[str, Move]
"""The last move of each API, by identifier. An API that never moved is on the default key ring."""


def signing(audience: str, moves: Moves, *, now: datetime) -> str:
    """Return the key ring that signs for the API `audience` at `now`.

    Returns the default ring if `moves` lacks the API.
    """
    return moves[audience].signing(now=now) if audience in moves else DEFAULT_RING


def trusted(audience: str, moves: Moves, *, now: datetime) -> tuple[str, ...]:
    """Return the key rings whose signatures for the API `audience` are valid at `now`."""
    return moves[audience].trusted(now=now) if audience in moves else (DEFAULT_RING,)


def shown(ring: str, moves: Iterable[Move], *, now: datetime) -> tuple[str, ...]:
    """Return the key rings whose keys the JWKS of `ring` shows at `now`, `ring` itself first."""
    if ring == DEFAULT_RING:
        return (DEFAULT_RING,)
    here = [move for move in moves if ring in (move.ring, move.previous)]
    moving = [name for move in here if not move.is_settled(now=now) for name in (move.ring, move.previous)]
    # An API can read the ring's JWKS before it moves there and after it moved back, with tokens of the default ring.
    unused = not moving and all(move.ring != ring for move in here)
    return tuple(dict.fromkeys([ring, *moving, *([DEFAULT_RING] if unused else [])]))
