"""Counts the events of the audit trail, and the logins that hash a password or wait to do so.

Makes no database query.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from project.metrics import catalog, labels
from resources.telemetry.metrics import add, put
from tokens.audit import trail
from tokens.grants.table import GRANT_TYPES
from tokens.limits import password_slots

ISSUED = "token.issued"
REFUSED = ("refused",)
"""The endings of the names of events about refusals, whose details have an OAuth error and a reason."""


def count(action: str, details: Mapping[str, Any]) -> None:
    """Count one event of the audit trail."""
    event = labels.or_other(action, labels.EVENTS)
    add(catalog.EVENTS, event)
    if action == ISSUED:
        grant_type = labels.or_other(details.get("grant"), GRANT_TYPES)
        add(catalog.ISSUED, grant_type, labels.or_other(details.get("client_kind"), labels.CLIENT_KINDS))
    elif action.endswith(REFUSED) and "error" in details:
        error = labels.or_other(details["error"], labels.ERRORS)
        add(catalog.REFUSALS, event, error, labels.or_other(details.get("reason"), labels.REASONS))


class Logins:
    """The number of logins of this process that hash a password now, or wait for the permission to do so (a slot)."""

    def __init__(self) -> None:
        self._number, self._lock = 0, Lock()

    def count(self, what: str) -> None:
        """Record a step of a login: `what` is "entered", "left" or "refused".

        "entered" means that the login begins to wait for a slot or to hash a password, "left" that it has ended, and
        "refused" that it got no slot.
        """
        if what == "refused":
            add(catalog.LOGINS_BUSY)
            return
        with self._lock:
            self._number += 1 if what == "entered" else -1
            put(catalog.LOGINS_HASHING, self._number)


def attach() -> None:
    """Count events and logins from now on. Every series begins at 0."""
    # PromQL's `rate` and `increase` do not see the first value of a series.
    for event in sorted(labels.EVENTS):
        add(catalog.EVENTS, event, amount=0)
    for grant_type in GRANT_TYPES:
        for kind in sorted(labels.CLIENT_KINDS):
            add(catalog.ISSUED, grant_type, kind, amount=0)
    trail.observers.append(count)
    password_slots.observers.append(Logins().count)
