"""Move an API to another key ring, at a date in the future, so that no valid token is refused.

A move can be planned if:
- The new ring exists, has keys, and is not an ID token ring (`rules/id_ring`). The API accepts the ring's algorithm.
- No earlier move of the API is under way.

Steps of a move:
1. The API's operator configures the API to read the new ring's JWKS, which has the keys of both rings.
2. The move takes effect once every copy of this JWKS has the keys of both rings.
3. Once no token of the previous ring can be valid, the move is settled: the API trusts the new ring alone.

If the new ring is the default ring, its JWKS lacks the keys of the previous ring. Then the API keeps reading the
previous ring's JWKS until the move is settled.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from tokens import registry_lock
from tokens.keys import adoption, audit, store
from tokens.keys.clock import refuse_skew
from tokens.keys.errors import UnknownKey, Unsafe, WrongRing
from tokens.keys.lock import LockedRing, hold
from tokens.keys.operation import Operation
from tokens.keys.rules import id_ring, lifecycle, moves
from tokens.keys.rules.moves import DEFAULT_RING, Move, Moves
from tokens.models.api import Api
from tokens.models.key import Ring, SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A planned move: which key ring signs for an API, and from when."""

    api: str
    ring: str
    previous: str
    at: datetime
    """When the new key ring starts to sign for the API."""
    settled_at: datetime
    """When the API stops trusting the previous key ring."""

    def __str__(self) -> str:
        return (
            f"planned: the ring {self.ring} signs for {self.api} from {self.at:%Y-%m-%d %H:%M:%S} UTC, and alone from"
            f" {self.settled_at:%Y-%m-%d %H:%M:%S} UTC"
        )


def move(operation: Operation, identifier: str, ring: str, *, dry_run: bool = False) -> Planned:
    """Plan the move of the API `identifier` to `ring`, at the earliest instant at which no valid token is refused.

    Raises:
        UnknownKey: There is no such API or ring, or the ring has no key yet.
        WrongRing: The API is on the ring already, or does not accept the ring's algorithm. Or the ring is an ID token
            ring.
        Unsafe: An earlier move is under way, no key of the ring can sign, or this node's clock is wrong
            (`refuse_skew`).
        CannotOpen: A key of the ring does not decrypt.
        LockNotHad: Another process held the ring's lock for 30 s.
    """
    refuse_skew(operation.policy, now=operation.now)
    with hold(operation, ring, dry_run=dry_run) as locked:
        registry_lock.lock()  # before the API's row: the lock order of every change of the registry
        apis = Api.objects.select_for_update(of=["self"], no_key=True)  # no key changes, so rows can refer to the API
        api = apis.select_related("ring").filter(identifier=identifier).first()
        if api is None:
            raise UnknownKey(f"there is no API {identifier}")
        previous = _name(api.ring)
        _require_possible(api, locked, previous)
        at = _earliest(locked, previous)
        settled_at = at + _acceptance()
        api.previous_ring, api.ring, api.moves_at = api.ring, locked.row, at
        api.save(update_fields=["ring", "previous_ring", "moves_at"])
        details = {"from": previous, "to": ring, "at": at, "settled_at": settled_at}
        audit.record(
            "api.moved", f"api:{identifier}", details, policy=locked.policy, actor=operation.actor, now=locked.now
        )
    return Planned(api=identifier, ring=ring, previous=previous, at=at, settled_at=settled_at)


def load() -> Moves:
    """Return the latest move of each API between key rings, by the API's identifier. Omits APIs that never moved."""
    rows = list(Api.objects.filter(moves_at__isnull=False).select_related("ring", "previous_ring"))
    acceptance = _acceptance() if rows else timedelta(0)
    starts = {name: _first_start(name) for name in {_name(api.ring) for api in rows}}
    return {api.identifier: _move(api, starts[_name(api.ring)], acceptance) for api in rows}


def trusted(audience: str, *, now: datetime) -> tuple[str, ...]:
    """Return the key rings whose signatures for an API are valid at `now`, the database's clock."""
    return moves.trusted(audience, load(), now=now)


def _move(api: Api, first_start: datetime | None, acceptance: timedelta) -> Move:
    # The first key of the ring can start later than was planned: after a revocation, a cancellation or longer timings.
    at = max(api.moves_at, first_start) if api.moves_at and first_start else None
    settled_at = at + acceptance if at else None
    return Move(ring=_name(api.ring), previous=_name(api.previous_ring), at=at, settled_at=settled_at)


def _name(ring: Ring | None) -> str:
    return ring.name if ring else DEFAULT_RING


def _first_start(ring: str) -> datetime | None:
    return min((row.key.start for row in store.load(ring) if row.key.start), default=None)


def _require_possible(api: Api, locked: LockedRing, previous: str) -> None:
    """Raise an error unless the API can move to the locked key ring. `previous` is the name of the API's present ring.

    1. WrongRing: the API is on the locked ring or moves there already, or the locked ring is an ID token ring.
    2. WrongRing: the API does not accept the algorithm of the locked ring.
    3. Unsafe: the API's previous move has not settled.
    4. UnknownKey: the locked ring has no key.
    """
    if previous == locked.row.name:
        raise WrongRing(f"{api.identifier} is on the ring {previous!r} already, or moves there")
    if id_ring.algorithm_of(locked.row.name):
        raise WrongRing(f"the ring {locked.row.name!r} signs ID tokens only: name another ring for {api.identifier}")
    if locked.row.algorithm not in api.algorithms:
        raise WrongRing(
            f"the ring {locked.row.name!r} signs {locked.row.algorithm}, and {api.identifier} accepts"
            f" {', '.join(api.algorithms)}: let its verifier accept it, register that with the API, then move"
        )
    under_way = load().get(api.identifier)
    if under_way is not None and not under_way.is_settled(now=locked.now):
        settled = under_way.settled_at
        when = f"from {settled:%Y-%m-%d %H:%M:%S} UTC on" if settled else "once its ring signs"
        raise Unsafe(f"{api.identifier} is moving; the next move can be planned {when}")
    if not locked.stored:
        name = locked.row.name
        raise UnknownKey(f"the ring {name!r} has no key yet: run manage.py rotate_keys --ring {name}")


def _earliest(locked: LockedRing, previous: str) -> datetime:
    """Return the earliest instant for a move from the key ring `previous` to the locked ring.

    At this instant every API has the keys of both rings, and a key of the locked ring signs. Raises Unsafe if no key of
    the locked ring signs or is planned to sign.
    """
    signing = lifecycle.signer(locked.keys, now=locked.now) or lifecycle.planned(locked.keys, now=locked.now)
    if signing is None or signing.start is None:
        name = locked.row.name
        raise Unsafe(f"no key of the ring {name!r} can sign: run manage.py rotate_keys --ring {name}")
    # The slower ring counts: a node can serve the new ring's JWKS from an old snapshot of the previous ring.
    others = [adoption.assumed(ring) for ring in Ring.objects.filter(name=previous)]
    slowest = max(policy.propagation for policy in (locked.policy, *others))
    # 2δ: on a node whose clock is slow, the ring's first key must sign when the move happens on a fast one.
    return max(locked.now + slowest, signing.start + 2 * locked.policy.clock_error)


def _acceptance() -> timedelta:
    """Return how long tokens of the previous key ring can stay valid after an API has moved to another ring.

    For each ring, computes a sum: its snapshot_age, its leeway, four times its clock_error, and the longest lifetime of
    a token that any key of any ring may sign. The result is the largest of these sums.
    """
    longest = SigningKey.objects.aggregate(longest=Max("max_lifetime"))["longest"] or timedelta(0)
    return max((adoption.assumed(ring).last_acceptance(longest) for ring in Ring.objects.all()), default=longest)
