"""Fixtures: a Prometheus registry for each test, in which the issuer's metrics are registered."""

from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry

from project.metrics import catalog, events
from resources.telemetry import prometheus
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
    """Count audit events and logins in the registry during the test, and yield the registry."""
    before = list(trail.observers), list(password_slots.observers)
    events.attach()
    yield registry
    trail.observers[:], password_slots.observers[:] = before


def series(registry: CollectorRegistry) -> int:
    """Return the number of time series in the registry."""
    return sum(len(family.samples) for family in registry.collect())
