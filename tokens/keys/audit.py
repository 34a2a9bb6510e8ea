"""Write the steps of a key ring into the audit trail, in the transaction of the step.

An event has the dates of each changed key before and after, and the timings that the step assumed:

    {"at": "…", "keys": {"<kid>": {"before": {"signs_at": null, …}, "after": {"signs_at": "…", …}}}, "policy": {…}}
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tokens.audit import trail
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.policy import Policy
from tokens.keys.store import DATES

Dates = dict[str, str | float | None]


def record(action: str, subject: str, details: Mapping[str, Any], *, policy: Policy, actor: str, now: datetime) -> None:
    """Write one event about a key ring into the audit trail. Dates in `details` are written in ISO 8601.

    `policy` has the timings that the step assumed.
    """
    written = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in details.items()}
    trail.record(action, actor=actor, subject=subject, details=written | {"policy": policy.to_json()}, now=now)


def changes(before: Sequence[Key], after: Sequence[Key]) -> dict[str, dict[str, Dates | None]]:
    """Return, by kid, the old and new dates of each key of `after` that is new or changed.

    The old dates of a new key are None.
    """
    old = {key.kid: _dates(key) for key in before}
    return {
        key.kid: {"before": old.get(key.kid), "after": _dates(key)} for key in after if old.get(key.kid) != _dates(key)
    }


def _dates(key: Key) -> Dates:
    dates: Dates = {name: value.isoformat() if (value := getattr(key, name)) else None for name in DATES}
    return dates | {"max_lifetime": key.max_lifetime.total_seconds()}
