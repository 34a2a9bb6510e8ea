"""Adopt the timings of the settings: the ring's row has those that nodes obey, and those that plans assume.

Rules:
- Processes can have different settings. So the timings in force are stored with the ring, and change under its lock.
- Nodes obey a changed timing as soon as they read it.
- Plans assume a raised timing at once, and a lowered one only after every copy and token of the old one has expired.

Worked example: tokens of 30 days (L) become tokens of one hour.

    obeyed     L = 1 h at once: nodes sign tokens of one hour
    assumed    L = 30 d, until the last token of 30 days has expired; withdrawals are planned with it
"""

from datetime import datetime

from tokens.keys.errors import Unsafe
from tokens.keys.rules.policy import Policy, problems, raised
from tokens.languages import sentence
from tokens.models.key import Ring


def obeyed(ring: Ring) -> Policy:
    """Return the timings in force, by which every node signs and publishes."""
    return Policy.from_json(ring.policy)


def assumed(ring: Ring) -> Policy:
    """Return the timings that plans assume. They cover tokens and JWKS copies from before a timing was lowered."""
    return Policy.from_json(ring.assumed or ring.policy)


def in_force(ring: Ring) -> dict[str, object]:
    """Return the ring's timings as they are stored: obeyed, assumed, and until when the latter are assumed."""
    until = ring.assumed_until.isoformat() if ring.assumed_until else None
    return {"obeyed": ring.policy, "assumed": ring.assumed, "assumed_until": until}


def adopt(ring: Ring, proposed: Policy, *, now: datetime, write: bool = True) -> Policy:
    """Store `proposed`, the timings of the settings. Return those that plans assume from now on.

    The caller holds the ring's lock. `write` is False for a dry run at another time, which the database would
    refuse. Raises Unsafe, with the inequality, if `proposed` cannot keep the promises.
    """
    if broken := next(problems(proposed), None):
        raise Unsafe(sentence("the key policy of the settings cannot be kept: {broken}", broken=broken))
    before = in_force(ring)
    settled = ring.assumed_until is not None and ring.assumed_until <= now
    basis = obeyed(ring) if settled else assumed(ring)
    plans = raised(basis, proposed)
    if plans == proposed:
        ring.assumed, ring.assumed_until = None, None
    # Else the same settings are proposed again, and the old timings expire when they did.
    elif settled or ring.assumed is None or ring.policy != proposed.to_json():
        ring.assumed, ring.assumed_until = plans.to_json(), now + plans.settles
    ring.policy = proposed.to_json()
    if write and in_force(ring) != before:
        ring.save(update_fields=["policy", "assumed", "assumed_until"])
    return plans
