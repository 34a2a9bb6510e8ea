"""Keeps in memory what the metadata lists from the database. Like the keys, it outlasts an outage shorter than N."""

import time
from dataclasses import dataclass
from datetime import datetime

from tokens import conf
from tokens.keys.rings import DEFAULT_ALGORITHM
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
    """Identifiers."""
    algorithms: tuple[str, ...]
    """What the rings sign with."""


def read(_name: str, now: datetime) -> Registered:
    """Read them from the database."""
    started = time.monotonic()
    return Registered(
        scopes=tuple(Scope.objects.order_by("name").values_list("name", flat=True)),
        apis=tuple(Api.objects.order_by("identifier").values_list("identifier", flat=True)),
        algorithms=_algorithms(),
        policy=conf.issuer().key_policy,
        wall_time=now,
        monotonic=started,
    )


def registered(*, now: datetime) -> Registered:
    """Return what the metadata lists, at most N old. Raises NotReady if the database was not read for that long."""
    return snapshots.get(REGISTRY, now=now)


def _algorithms() -> tuple[str, ...]:
    """Return the algorithms of the rings that have keys, the default ring's first.

    A ring is listed before an API moves to it, because verifiers read the metadata once, when they start.
    """
    others = set(Ring.objects.filter(keys__isnull=False).values_list("algorithm", flat=True)) - {DEFAULT_ALGORITHM}
    return (DEFAULT_ALGORITHM, *sorted(others))


snapshots: Snapshots[Registered] = Snapshots(read, what="the scopes and APIs")
