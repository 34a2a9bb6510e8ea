"""Moving an API to another ring, planned like a rotation: every copy of a JWKS has both rings' keys before it happens.

The API reads the new ring's JWKS from any moment between the plan and the move on; until the move is settled, it shows
the keys of both rings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from tokens.audit.trail import record
from tokens.encryption import EncryptionKey
from tokens.keys import adoption, store
from tokens.keys.errors import UnknownKey, Unsafe, WrongRing
from tokens.keys.lock import LockedRing, hold, refuse_skew
from tokens.keys.rules import lifecycle, moves
from tokens.keys.rules.moves import DEFAULT_RING, Move, Moves
from tokens.keys.rules.policy import Policy
from tokens.models.api import Api
from tokens.models.key import Ring, SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A move that was planned."""

    api: str
    ring: str
    previous: str
    at: datetime
    """From then on the new ring signs."""
    settled_at: datetime
    """From then on the API trusts the new ring alone."""

    def __str__(self) -> str:
        return (
            f"planned: the ring {self.ring} signs for {self.api} from {self.at:%Y-%m-%d %H:%M:%S} UTC, and alone from"
            f" {self.settled_at:%Y-%m-%d %H:%M:%S} UTC"
        )


def move(
    identifier: str,
    ring: str,
    *,
    policy: Policy,
    encryption_keys: Sequence[EncryptionKey],
    actor: str,
    now: datetime,
    pretend: bool = False,
) -> Planned:
    """Plan the move of the API `identifier` to `ring`, at the earliest instant that breaks no token.

    `now` is this node's clock, compared with the database's. Raises UnknownKey for an API or ring that is not there,
    WrongRing when it is there already or its algorithm is not registered for the API, Unsafe while an earlier move is
    under way or clocks are off, CannotOpen when the ring's keys do not open, LockNotHad.
    """
    refuse_skew(policy, now=now)
    with hold(ring, proposed=policy, encryption_keys=encryption_keys, actor=actor, pretend=pretend) as held:
        api = Api.objects.select_for_update(of=["self"]).select_related("ring").filter(identifier=identifier).first()
        if api is None:
            raise UnknownKey(f"there is no API {identifier}")
        previous = _name(api.ring)
        _require_possible(api, held, previous)
        at = _earliest(held, previous)
        settled_at = at + _acceptance()
        api.previous_ring, api.ring, api.moves_at = api.ring, held.row, at
        api.save(update_fields=["ring", "previous_ring", "moves_at"])
        told = {"from": previous, "to": ring, "at": at.isoformat(), "settled_at": settled_at.isoformat()}
        record(
            "api.moved",
            actor=actor,
            subject=f"api:{identifier}",
            details=told | {"policy": held.policy.to_json()},
            now=held.now,
        )
    return Planned(api=identifier, ring=ring, previous=previous, at=at, settled_at=settled_at)


def load() -> Moves:
    """Every move that was ever made, by the API's identifier: the last one of each."""
    moved = Api.objects.filter(moves_at__isnull=False).select_related("ring", "previous_ring")
    rows = list(moved)
    kept = _acceptance() if rows else timedelta(0)
    starts = {name: _first_start(name) for name in {_name(api.ring) for api in rows}}
    return {api.identifier: _move(api, starts[_name(api.ring)], kept) for api in rows}


def trusted(audience: str, *, now: datetime) -> tuple[str, ...]:
    """The rings whose signatures for an API are good at `now`, the database's clock."""
    return moves.trusted(audience, load(), now=now)


def _move(api: Api, first_start: datetime | None, kept: timedelta) -> Move:
    """The move as it stands: not before the ring's first key takes over, however that was put off since."""
    at = max(api.moves_at, first_start) if api.moves_at and first_start else None
    settled_at = at + kept if at else None
    return Move(ring=_name(api.ring), previous=_name(api.previous_ring), at=at, settled_at=settled_at)


def _name(ring: Ring | None) -> str:
    return ring.name if ring else DEFAULT_RING


def _first_start(ring: str) -> datetime | None:
    return min((one.key.start for one in store.load(ring) if one.key.start), default=None)


def _require_possible(api: Api, held: LockedRing, previous: str) -> None:
    if previous == held.row.name:
        raise WrongRing(f"{api.identifier} is on the ring {previous!r} already, or moves there")
    if held.row.algorithm not in api.algorithms:
        raise WrongRing(
            f"the ring {held.row.name!r} signs {held.row.algorithm}, and {api.identifier} accepts"
            f" {', '.join(api.algorithms)}: let its verifier accept it, register that with the API, then move"
        )
    under_way = load().get(api.identifier)
    if under_way is not None and not under_way.is_settled(now=held.now):
        settled = under_way.settled_at
        when = f"from {settled:%Y-%m-%d %H:%M:%S} UTC on" if settled else "once its ring signs"
        raise Unsafe(f"{api.identifier} is moving; the next move can be planned {when}")
    if not held.stored:
        raise UnknownKey(f"the ring {held.row.name!r} has no key yet: run manage.py rotate_keys --ring {held.row.name}")


def _earliest(held: LockedRing, previous: str) -> datetime:
    """When every API has what the new ring's JWKS shows since the plan, and that ring has a key that signs.

    The slower of both rings counts: a copy of the new one's JWKS may be of a node that knew the old one's keys late.
    """
    signing = lifecycle.signer(held.keys, now=held.now) or lifecycle.planned(held.keys, now=held.now)
    if signing is None or signing.start is None:
        raise Unsafe(f"no key of the ring {held.row.name!r} may sign: run manage.py rotate_keys --ring {held.row.name}")
    others = [adoption.assumed(ring) for ring in Ring.objects.filter(name=previous)]
    slowest = max(policy.propagation for policy in (held.policy, *others))
    return max(held.now + slowest, signing.start + 2 * held.policy.clock_error)


def _acceptance() -> timedelta:
    """How long after a move a token of the ring before it may be valid: N + the longest token + S + 4δ."""
    longest = SigningKey.objects.aggregate(longest=Max("max_lifetime"))["longest"] or timedelta(0)
    return max((adoption.assumed(ring).last_acceptance(longest) for ring in Ring.objects.all()), default=longest)
