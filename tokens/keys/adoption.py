"""Adopt the timings of the settings: store them with a key ring, so that all nodes obey the same timings.

The row of a key ring has two sets of timings: "obeyed", by which nodes sign and publish, and "assumed", from which
steps compute the dates of keys.

Rules:
- Processes can have different settings. So the timings in force are stored with the ring, and change under its lock.
- Nodes obey a changed timing as soon as they read the row of the ring.
- If a timing becomes longer, steps assume the new value at once. If a timing becomes shorter, steps assume the old
  value until every copy of the JWKS and every token that obeys the old value has expired.

Worked example: the setting token_lifetime changes from 30 days to one hour.

    obeyed     1 h at once: nodes sign tokens of one hour
    assumed    30 d, until the last token of 30 days has expired; withdrawals of keys are computed with 30 d
"""

import json
from datetime import datetime

from tokens import plain_sql
from tokens.keys.errors import Unsafe
from tokens.keys.rules.inequalities import problems
from tokens.keys.rules.policy import Policy, raised
from tokens.languages import sentence
from tokens.models.key import Ring


def obeyed(ring: Ring) -> Policy:
    """Return the timings in force, by which every node signs and publishes."""
    return Policy.from_json(ring.policy)


def assumed(ring: Ring) -> Policy:
    """Return the timings with which a step of a rotation computes the dates of keys.

    If the settings made a timing shorter, earlier tokens and copies of the JWKS still obey the old, longer value. The
    result has the longer value until these tokens and copies have expired.
    """
    return Policy.from_json(ring.assumed or ring.policy)


def every_assumed() -> list[Policy]:
    """Return, for each key ring, the timings from which steps compute dates (`assumed`).

    Sends one statement, without the ORM.
    """
    with plain_sql.cursor() as cursor:
        cursor.execute("SELECT policy, assumed FROM tokens_ring")
        rows = cursor.fetchall()
    return [Policy.from_json(json.loads(assumed or policy)) for policy, assumed in rows]


def in_force(ring: Ring) -> dict[str, object]:
    """Return the timings that are stored with a key ring, as values for JSON.

    - `obeyed`: the timings by which nodes sign and publish.
    - `assumed`: the timings from which steps compute dates, if these are not the obeyed timings, else None.
    - `assumed_until`: the instant until which steps compute dates from `assumed`, or None if `assumed` is None.
    """
    until = ring.assumed_until.isoformat() if ring.assumed_until else None
    return {"obeyed": ring.policy, "assumed": ring.assumed, "assumed_until": until}


def adopt(ring: Ring, proposed: Policy, *, now: datetime, write: bool = True) -> Policy:
    """Adopt `proposed`, the timings of the settings, for the key ring `ring`. Return the new assumed timings.

    The assumed timings are those from which steps compute dates. The caller holds the key ring's lock.

    If `write` is True, also store the timings in the ring's row. Pass False for a dry run at another time than now: the
    database compares the dates of a row with its own clock, and might refuse dates that were computed for another time.

    Raises Unsafe, with the violated inequality, if keys could not be rotated safely under `proposed`.
    """
    if broken := next(problems(proposed), None):
        raise Unsafe(sentence("the key policy of the settings cannot be kept: {broken}", broken=broken))
    before = in_force(ring)
    settled = ring.assumed_until is not None and ring.assumed_until <= now
    basis = obeyed(ring) if settled else assumed(ring)
    plans = raised(basis, proposed)
    if plans == proposed:
        ring.assumed, ring.assumed_until = None, None
    # Otherwise the same settings were adopted before, and the old timings keep their expiry.
    elif settled or ring.assumed is None or ring.policy != proposed.to_json():
        ring.assumed, ring.assumed_until = plans.to_json(), now + plans.settles
    ring.policy = proposed.to_json()
    if write and in_force(ring) != before:
        ring.save(update_fields=["policy", "assumed", "assumed_until"])
    return plans
