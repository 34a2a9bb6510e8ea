"""A registry of its own for each test, to which the issuer's metrics go."""

from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry

from project.metrics import catalog, events
from resources import prometheus
from tokens.audit import trail
from tokens.limits import password_slots

Read = Callable[..., float | None]


@pytest.fixture
def registry() -> Iterator[CollectorRegistry]:
    made = CollectorRegistry()
    sink = prometheus.attach(catalog.METRICS, registry=made)
    yield made
    prometheus.detach(sink)


@pytest.fixture
def counted(registry: CollectorRegistry) -> Iterator[CollectorRegistry]:
    """The registry, while events of the audit trail and logins are counted."""
    before = list(trail.observers), list(password_slots.observers)
    events.attach()
    yield registry
    trail.observers[:], password_slots.observers[:] = before


def series(registry: CollectorRegistry) -> int:
    """The number of time series."""
    return sum(len(family.samples) for family in registry.collect())
