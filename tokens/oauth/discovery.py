"""Keeps the scopes and APIs that the metadata lists in memory. Like the keys, they outlast an outage shorter than N."""

import time
from dataclasses import dataclass
from datetime import datetime

from tokens import conf
from tokens.keys.snapshots import Read, Snapshots
from tokens.models import Api, Scope

REGISTRY = "registry"
"""The name of the only snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered(Read):
    """The names that the metadata lists."""

    scopes: tuple[str, ...]
    apis: tuple[str, ...]
    """Identifiers."""


def read(_name: str, now: datetime) -> Registered:
    """Read the names from the database."""
    started = time.monotonic()
    return Registered(
        scopes=tuple(Scope.objects.order_by("name").values_list("name", flat=True)),
        apis=tuple(Api.objects.order_by("identifier").values_list("identifier", flat=True)),
        policy=conf.issuer().key_policy,
        wall_time=now,
        monotonic=started,
    )


def registered(*, now: datetime) -> Registered:
    """Return the names, at most N old. Raises NotReady if the database could not be read for that long."""
    return snapshots.get(REGISTRY, now=now)


snapshots: Snapshots[Registered] = Snapshots(read, what="the scopes and APIs")
