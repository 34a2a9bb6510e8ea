"""The gauges of the issuer's state: keys, caches, revocation feed and background jobs."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.utils import timezone

from project.metrics import issuer_state, state
from project.metrics.issuer_state import DatabaseReader
from tests.tokens.factories import operation
from tokens.audit import jobs
from tokens.keys import keyring, rotation
from tokens.keys.rules.policy import PRODUCTION
from tokens.limits import cache_circuit
from tokens.limits.cache_circuit import PAUSE, NotCounted
from tokens.models import RevocationLog, Segment, WaitingEntry

pytestmark = pytest.mark.django_db
RING = {"ring": "default"}


@pytest.fixture
def read(registry):
    """Return a function that updates all gauges from the issuer's memory, and then returns the value of one gauge."""

    def value(name, labels=RING):
        state.record(issuer_state.of_memory(timezone.now()))
        return registry.get_sample_value(name, labels)

    return value


def test_a_new_ring_signs_and_has_a_standby(read):
    rotation.rotate(operation())
    now = timezone.now()
    keyring.clock(now=now)
    assert read("keyturn_can_sign") == read("keyturn_standby_ready") == 1
    assert read("keyturn_rotation_overdue") == read("keyturn_keys_unreadable") == 0
    started = read("keyturn_signing_key_started_timestamp_seconds")
    assert abs(started - now.timestamp()) < 60
    assert read("keyturn_rotation_timestamp_seconds") == started + PRODUCTION.rotate_every.total_seconds()
    assert abs(read("keyturn_snapshot_timestamp_seconds") - now.timestamp()) < 60


def test_a_lost_encrypting_key_shows_as_unreadable_keys_that_cannot_sign(read, settings):
    rotation.rotate(operation())
    settings.ISSUER = settings.ISSUER | {"KEY_ENCRYPTION_KEYS": ["A" * 43]}
    keyring.snapshots.get("default", now=timezone.now())
    assert read("keyturn_keys_unreadable") == 2
    assert read("keyturn_can_sign") == 0


def test_a_rotation_that_does_not_run_is_overdue(registry):
    rotation.rotate(operation())
    late = timezone.now() + PRODUCTION.rotate_every + PRODUCTION.announce
    keyring.clock(now=timezone.now())
    state.record(issuer_state.of_ring("default", keyring.snapshots.latest("default"), now=late))
    assert registry.get_sample_value("keyturn_rotation_overdue", RING) == 1


def test_a_process_that_has_read_no_keys_has_no_gauge_of_them(read):
    assert read("keyturn_can_sign") is None


def test_a_failed_cache_is_an_open_circuit(read):
    now = timezone.now()
    with pytest.raises(NotCounted):
        cache_circuit.ask("guesses", Mock(side_effect=OSError), now=now)
    assert read("keyturn_circuit_open", {"dependency": "cache:guesses"}) == 1
    cache_circuit.ask("guesses", Mock(), now=now + timedelta(seconds=PAUSE))
    assert read("keyturn_circuit_open", {"dependency": "cache:guesses"}) == 0


def test_the_feed_and_the_jobs_are_read_from_the_database(registry):
    now = timezone.now()
    RevocationLog.objects.update_or_create(pk=1, defaults={"version": 7, "tag": "a" * 11, "sealed": 5, "unsealed": 3})
    Segment.objects.create(digest="d" * 43, version=5, count=16, until=int(now.timestamp()) + 60, body=b"")
    WaitingEntry.objects.create(entry=b"0" * 20)
    jobs.note(jobs.POLLED, now=now)
    jobs.note("rotate_keys", now=now - timedelta(hours=1))
    clock = iter([100.0, 100.0, 101.0])
    read = DatabaseReader(clock=lambda: next(clock))
    read(now)
    assert registry.get_sample_value("keyturn_feed_version") == 7
    assert registry.get_sample_value("keyturn_feed_entries") == 19
    assert registry.get_sample_value("keyturn_feed_waiting_entries") == 1
    assert registry.get_sample_value("keyturn_feed_polled_timestamp_seconds") == pytest.approx(now.timestamp())
    job = registry.get_sample_value("keyturn_job_ended_timestamp_seconds", {"task": "rotate_keys"})
    assert job == pytest.approx(now.timestamp() - 3600)


def test_the_database_is_not_read_again_within_the_interval(registry, django_assert_num_queries):
    clock = iter([100.0, 100.0, 114.9, 115.0, 115.0])
    read = DatabaseReader(clock=lambda: next(clock))
    with django_assert_num_queries(4):
        read(timezone.now())
        read(timezone.now())
    with django_assert_num_queries(4):
        read(timezone.now())
