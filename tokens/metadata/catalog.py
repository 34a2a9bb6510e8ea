"""Keeps in memory the scopes, APIs and algorithms that the metadata lists.

What was read from the database is used for at most `snapshot_age` (a timing of the setting `key_policy`). So the
metadata is served during a database outage that is shorter than `snapshot_age`, as the published keys are.
"""

import time
from dataclasses import dataclass
from datetime import datetime

from tokens import conf
from tokens.keys.read_cache import Read, Snapshots
from tokens.keys.rules.id_ring import DEFAULT_ALGORITHM
from tokens.keys.rules.moves import DEFAULT_RING
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
    """The signature algorithms of the key rings, the default ring's first."""


def read(_name: str, now: datetime) -> Registered:
    """Read scopes, APIs and algorithms from the database.

    `now` is this node's clock. The result has `now` as the time of the reading.
    """
    # The clock is read before the first statement, because a reading is as old as its oldest row.
    started = time.monotonic()
    return Registered(
        scopes=tuple(Scope.objects.order_by("name").values_list("name", flat=True)),
        apis=tuple(Api.objects.order_by("identifier").values_list("identifier", flat=True)),
        algorithms=_algorithms(),
        policy=conf.issuer().key_policy,
        clock_time=now,
        wall_time=now,
        monotonic=started,
        monotonic_clock=time.monotonic,
    )


def registered(*, now: datetime) -> Registered:
    """Return scopes, APIs and algorithms from memory, or read them if they are too old.

    Raises NotReady if the last reading is older than `snapshot_age` and the database cannot be read.
    """
    return snapshots.get(REGISTRY, now=now)


def _algorithms() -> tuple[str, ...]:
    """Return the signature algorithms of the key rings (sets of signing keys) that have keys.

    The algorithm of the default ring is the first.
    """
    # Rings that no API uses yet are included, because some verifiers read the metadata only when they start.
    rings = dict(Ring.objects.filter(keys__isnull=False).values_list("name", "algorithm"))
    default = rings.pop(DEFAULT_RING, DEFAULT_ALGORITHM)
    return (default, *sorted(set(rings.values()) - {default}))


snapshots: Snapshots[Registered] = Snapshots(read, clock=time.monotonic, what="the scopes and APIs")
