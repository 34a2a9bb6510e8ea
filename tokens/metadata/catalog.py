"""Keeps the scopes, APIs and algorithms that the metadata lists in memory.

Like the published keys, they are at most N old (`key_policy`), so the metadata outlasts a database outage shorter than
N.
"""

import time
from dataclasses import dataclass
from datetime import datetime

from tokens import conf
from tokens.keys.rules.id_ring import DEFAULT_ALGORITHM
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.snapshots import Read, Snapshots
from tokens.models import Api, Scope
from tokens.models.key import Ring

REGISTRY = "registry"
"""The name of the only snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered(Read):
    """Scopes, APIs and algorithms, as the metadata lists them."""

    scopes: tuple[str, ...]
    apis: tuple[str, ...]
    """The APIs' identifiers (`aud`)."""
    algorithms: tuple[str, ...]
    """The signature algorithms of the rings, the default ring's first."""


def read(_name: str, now: datetime) -> Registered:
    """Read scopes, APIs and algorithms from the database at `now` (this node's clock)."""
    # Before the first statement: a reading is as old as its oldest row.
    started = time.monotonic()
    return Registered(
        scopes=tuple(Scope.objects.order_by("name").values_list("name", flat=True)),
        apis=tuple(Api.objects.order_by("identifier").values_list("identifier", flat=True)),
        algorithms=_algorithms(),
        policy=conf.issuer().key_policy,
        clock_time=now,
        wall_time=now,
        monotonic=started,
    )


def registered(*, now: datetime) -> Registered:
    """Return scopes, APIs and algorithms as read at most `snapshot_age` ago. Raises NotReady if they are older."""
    return snapshots.get(REGISTRY, now=now)


def _algorithms() -> tuple[str, ...]:
    """Return the algorithms of the rings that have keys, the default ring's first."""
    # Include rings that no API uses yet: verifiers read the metadata once, when they start.
    rings = dict(Ring.objects.filter(keys__isnull=False).values_list("name", "algorithm"))
    default = rings.pop(DEFAULT_RING, DEFAULT_ALGORITHM)
    return (default, *sorted(set(rings.values()) - {default}))


snapshots: Snapshots[Registered] = Snapshots(read, what="the scopes and APIs")
