"""Rotation: compute the one next safe step of a ring, and do it whole or not at all.

The ring's row is locked before anything is decided, and the decision is made from what is read under the lock: of many
runs in the same second one acts, and the others find nothing left to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from tokens.audit import record
from tokens.encryption import EncryptionKey
from tokens.keys import lifecycle, material, store
from tokens.keys.errors import CannotOpen
from tokens.keys.lifecycle import Key
from tokens.keys.material import Material
from tokens.keys.policy import Policy, raised
from tokens.models.key import Ring

DEFAULT_RING = "default"
ALGORITHM = "RS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run did, or why it did nothing."""

    step: str
    """`created`, `planned`, `announced` or `nothing`."""
    message: str
    kid: str | None = None
    at: datetime | None = None
    """When the step takes effect, or when the next one is due."""


def rotate(
    ring: str = DEFAULT_RING,
    *,
    policy: Policy,
    encryption_keys: Sequence[EncryptionKey],
    actor: str,
    hurry: bool = False,
) -> Outcome:
    """Take the next safe step of `ring` under the policy that the settings propose.

    `hurry` plans the switch for the earliest safe instant although the signing key is young. Dates are the database's
    clock, read under the lock. Raises CannotOpen when a key does not decrypt: nothing is replaced silently.
    """
    Ring.objects.get_or_create(name=ring, defaults={"algorithm": ALGORITHM, "policy": policy.to_json()})
    pair = material.generate(ALGORITHM)  # slow, so before the lock; thrown away when nothing is due
    with transaction.atomic():
        row = Ring.objects.select_for_update().get(name=ring)
        in_force = _adopt(row, policy)
        stored = store.load(ring)
        _probe(stored, encryption_keys)
        now = store.database_now()
        outcome = _step(row, stored, pair, policy=in_force, keys=encryption_keys, now=now, hurry=hurry)
        if outcome.step != "nothing":
            record(f"key.{outcome.step}", actor=actor, subject=f"key:{outcome.kid}", details=_dates(outcome), now=now)
    return outcome


def _step(
    ring: Ring,
    stored: Sequence[store.StoredKey],
    pair: Material,
    *,
    policy: Policy,
    keys: Sequence[EncryptionKey],
    now: datetime,
    hurry: bool,
) -> Outcome:
    dates = [one.key for one in stored]
    if not dates:
        return _create(ring, pair, policy=policy, key=keys[0], now=now)
    if coming := lifecycle.planned(dates, now=now):
        return Outcome(step="nothing", message="already planned; switches at", kid=coming.kid, at=coming.signs_at)
    standby = lifecycle.standby(dates)
    if standby is None:
        _announce(ring, pair, policy=policy, key=keys[0], now=now)
        return Outcome(step="announced", message="announced a standby", kid=pair.kid, at=now)
    signing = lifecycle.signer(dates, now=now)
    due = signing.signs_at + policy.rotate_every if signing and signing.signs_at else now
    if due > now and not hurry:
        return Outcome(step="nothing", message="nothing due; next step at", kid=standby.kid, at=due)
    return _plan(ring, stored, standby, pair, policy=policy, keys=keys, now=now)


def _create(ring: Ring, pair: Material, *, policy: Policy, key: EncryptionKey, now: datetime) -> Outcome:
    """The first key signs at once: no copy of this issuer's JWKS can exist yet."""
    first = Key(kid=pair.kid, announced_at=now, signs_at=now, max_lifetime=policy.token_lifetime)
    store.add(ring, pair, first, encryption_key=key)
    _announce(ring, material.generate(ring.algorithm), policy=policy, key=key, now=now)
    return Outcome(step="created", message="created the first key and its standby; signs from", kid=pair.kid, at=now)


def _announce(ring: Ring, pair: Material, *, policy: Policy, key: EncryptionKey, now: datetime) -> None:
    announced = Key(kid=pair.kid, announced_at=now, max_lifetime=policy.token_lifetime)
    store.add(ring, pair, announced, encryption_key=key)


def _plan(
    ring: Ring,
    stored: Sequence[store.StoredKey],
    standby: Key,
    pair: Material,
    *,
    policy: Policy,
    keys: Sequence[EncryptionKey],
    now: datetime,
) -> Outcome:
    """Plan the standby's start: after every API has it (P1), and after every node knows of the switch."""
    at = max(lifecycle.seen_at(standby, policy), now + policy.switch + policy.clock_error)
    before = {one.key.kid: one for one in stored}
    after = lifecycle.supersede([one.key for one in stored], standby.kid, at=at, policy=policy)
    changed = [key for key in after if key != before[key.kid].key]
    for key in sorted(changed, key=lambda key: key.kid == standby.kid):  # the predecessor's end first: one unsuperseded
        store.update(before[key.kid], key, keys=keys)
    _announce(ring, pair, policy=policy, key=keys[0], now=now)
    return Outcome(
        step="planned",
        message="planned the switch, and announced the next standby; switches at",
        kid=standby.kid,
        at=at,
    )


def _probe(stored: Sequence[store.StoredKey], keys: Sequence[EncryptionKey]) -> None:
    """Refuse to plan on a ring whose rows do not verify or whose live private halves do not open."""
    for one in stored:
        if not one.verifies(keys) and not one.key.discarded:
            raise CannotOpen(
                f"the row of {one.key.kid} does not verify under KEY_ENCRYPTION_KEYS: either these are not the ones"
                " that it was written under (put the old value back, after the new one), or the row was changed by hand"
            )
        if one.sealed is not None and not one.key.discarded:
            one.open(keys)


def _adopt(ring: Ring, proposed: Policy) -> Policy:
    """The policy in force: what the settings propose, with no number that promises rest on lowered."""
    in_force = raised(Policy.from_json(ring.policy), proposed)
    if in_force.to_json() != ring.policy:
        ring.policy = in_force.to_json()
        ring.save(update_fields=["policy"])
    return in_force


def _dates(outcome: Outcome) -> dict[str, str]:
    return {"at": outcome.at.isoformat()} if outcome.at else {}
