"""Moving an API to another ring, planned like a rotation: every copy of a JWKS has both rings' keys before it happens.

The API reads the new ring's JWKS from any moment between the plan and the move on; until the move is settled, both
rings' JWKS show both rings' keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from tokens.audit import record
from tokens.encryption import EncryptionKey
from tokens.keys import adoption, lifecycle
from tokens.keys.errors import UnknownKey, Unsafe, WrongRing
from tokens.keys.held import Held, hold, refuse_skew
from tokens.keys.moves import DEFAULT_RING, Move, Moves
from tokens.keys.policy import Policy
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
    with hold(ring, proposed=policy, encryption_keys=encryption_keys, pretend=pretend) as held:
        api = Api.objects.select_for_update(of=["self"]).select_related("ring").filter(identifier=identifier).first()
        if api is None:
            raise UnknownKey(f"there is no API {identifier}")
        previous = api.ring.name if api.ring else DEFAULT_RING
        _require_possible(api, held, previous)
        api.previous_ring, api.ring = api.ring, held.row
        api.moves_at = _earliest(held)
        api.save(update_fields=["ring", "previous_ring", "moves_at"])
        planned = load()[identifier]
        told = {
            "from": previous,
            "to": ring,
            "at": planned.at.isoformat(),
            "settled_at": planned.settled_at.isoformat(),
        }
        record(
            "api.moved",
            actor=actor,
            subject=f"api:{identifier}",
            details=told | {"policy": held.policy.to_json()},
            now=held.now,
        )
    return Planned(api=identifier, ring=ring, previous=previous, at=planned.at, settled_at=planned.settled_at)


def load() -> Moves:
    """Every move that was ever made, by the API's identifier: the last one of each."""
    moved = Api.objects.filter(moves_at__isnull=False).select_related("ring", "previous_ring")
    rows = list(moved)
    kept = _acceptance() if rows else timedelta(0)
    return {
        api.identifier: Move(
            ring=api.ring.name if api.ring else DEFAULT_RING,
            previous=api.previous_ring.name if api.previous_ring else DEFAULT_RING,
            at=api.moves_at,
            settled_at=api.moves_at + kept,
        )
        for api in rows
        if api.moves_at is not None
    }


def _require_possible(api: Api, held: Held, previous: str) -> None:
    if previous == held.row.name:
        raise WrongRing(f"{api.identifier} is on the ring {previous!r} already, or moves there")
    if held.row.algorithm not in api.algorithms:
        raise WrongRing(
            f"the ring {held.row.name!r} signs {held.row.algorithm}, and {api.identifier} accepts"
            f" {', '.join(api.algorithms)}: let its verifier accept it, register that with the API, then move"
        )
    if api.moves_at is not None and (settled := api.moves_at + _acceptance()) > held.now:
        raise Unsafe(
            f"{api.identifier} is moving; the next move can be planned from {settled:%Y-%m-%d %H:%M:%S} UTC on"
        )
    if not held.stored:
        raise UnknownKey(f"the ring {held.row.name!r} has no key yet: run manage.py rotate_keys --ring {held.row.name}")


def _earliest(held: Held) -> datetime:
    """When every API has what both JWKS show since the plan, and the new ring has a key that signs."""
    signing = lifecycle.signer(held.keys, now=held.now) or lifecycle.planned(held.keys, now=held.now)
    if signing is None or signing.start is None:
        raise Unsafe(f"no key of the ring {held.row.name!r} may sign: run manage.py rotate_keys --ring {held.row.name}")
    return max(held.now + held.policy.propagation, signing.start + 2 * held.policy.clock_error)


def _acceptance() -> timedelta:
    """How long after a move a token of the ring before it may be valid: N + the longest token + S + 4δ."""
    longest = SigningKey.objects.aggregate(longest=Max("max_lifetime"))["longest"] or timedelta(0)
    return max((adoption.assumed(ring).last_acceptance(longest) for ring in Ring.objects.all()), default=longest)
