"""The policy in force: what the settings propose becomes what nodes obey and what plans assume, under the ring's lock.

Nodes obey a new number as soon as they read it. Plans assume a raised number at once, and a lowered one only after
everything that began under the old one has run out.
"""

from datetime import datetime

from tokens.keys.errors import Unsafe
from tokens.keys.rules.policy import Policy, problems, raised
from tokens.models.key import Ring


def obeyed(ring: Ring) -> Policy:
    """The timings that every node goes by."""
    return Policy.from_json(ring.policy)


def assumed(ring: Ring) -> Policy:
    """The timings that plans assume: no shorter than anything that may still live."""
    return Policy.from_json(ring.assumed or ring.policy)


def in_force(ring: Ring) -> dict[str, object]:
    """The ring's timings as they are stored: obeyed, assumed, and until when the latter are."""
    until = ring.assumed_until.isoformat() if ring.assumed_until else None
    return {"obeyed": ring.policy, "assumed": ring.assumed, "assumed_until": until}


def adopt(ring: Ring, proposed: Policy, *, now: datetime, write: bool = True) -> Policy:
    """Store what the settings propose; returns what plans assume. The caller holds the ring's lock.

    `write` is False for pretending at another time, which the database, on its own clock, would not let through.
    Raises Unsafe, naming the inequality, for a policy under which the promises cannot be kept.
    """
    if broken := next(problems(proposed), None):
        raise Unsafe(f"the key policy of the settings cannot be kept: {broken}")
    before = (ring.policy, ring.assumed, ring.assumed_until)
    settled = ring.assumed_until is not None and ring.assumed_until <= now
    basis = obeyed(ring) if settled else assumed(ring)
    plans = raised(basis, proposed)
    if plans == proposed:
        ring.assumed, ring.assumed_until = None, None
    elif settled or ring.assumed is None or ring.policy != proposed.to_json():
        ring.assumed, ring.assumed_until = plans.to_json(), now + plans.settles
    ring.policy = proposed.to_json()
    if write and (ring.policy, ring.assumed, ring.assumed_until) != before:
        ring.save(update_fields=["policy", "assumed", "assumed_until"])
    return plans
