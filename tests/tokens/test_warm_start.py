"""A worker loads the data for its first requests before it accepts requests.

If loading fails, the worker starts nevertheless.
"""

import threading
from datetime import date

import pytest
from django.db import OperationalError
from django.utils import timezone

from project.launch import worker_start
from tests.tokens.factories import basic, operation, post
from tokens import background
from tokens.clients import registry
from tokens.keys import keyring, rotation
from tokens.limits import rate_limit
from tokens.limits.cache_circuit import NotCounted

FORM = {"grant_type": "client_credentials", "scope": "notes:read"}


@pytest.mark.django_db
def test_the_first_token_of_a_warm_worker_takes_one_statement(client, service, django_assert_num_queries):
    rotation.rotate(operation())
    today = timezone.now().date()  # what was used today is written once a day
    type(service).objects.filter(pk=service.pk).update(last_used_on=today)
    service.secrets.update(last_used_on=today)
    keyring.snapshots.forget()
    registry.forget()
    background.warm(now=timezone.now())
    with django_assert_num_queries(1):
        answer = post(client, "/oauth/token", FORM, **basic(service.client_id, service.plain))
    assert answer.status_code == 200


@pytest.mark.django_db
def test_clients_that_are_disabled_or_were_never_used_are_not_read(service):
    registry.forget()
    registry.read_recent(10)
    assert not registry.is_known(service.client_id)
    type(service).objects.filter(pk=service.pk).update(last_used_on=date(2026, 1, 1), is_active=False)
    registry.read_recent(10)
    assert not registry.is_known(service.client_id)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log lines of the module `worker_start`, and of no other module."""
    return [message for name, _, message in caplog.record_tuples if name == worker_start.logger.name]


def test_a_worker_without_a_database_starts_and_says_that_it_is_cold(monkeypatch, caplog):
    def away(*, now):
        raise OperationalError("the database is away")

    monkeypatch.setattr(background, "warm", away)
    assert not worker_start.warm_up()
    assert lines(caplog) == ["The first requests will be slow: the database is away"]


def test_a_worker_waits_for_a_database_that_hangs_for_a_bounded_time(monkeypatch, caplog):
    ended = threading.Event()
    monkeypatch.setattr(background, "warm", lambda *, now: ended.wait(60))
    monkeypatch.setattr(worker_start, "WARM_WITHIN", 0.05)
    worker_start.warm_up()
    ended.set()
    assert lines(caplog) == ["The first requests will be slow: the database did not answer in time"]


@pytest.mark.django_db
def test_a_thread_that_gets_the_first_requests_opens_its_connections_before(monkeypatch, django_assert_num_queries):
    counted = []
    monkeypatch.setattr(rate_limit, "count", lambda *arguments, now: counted.append(arguments))
    with django_assert_num_queries(1):
        background.connect(now=timezone.now())
    assert counted == [("start", (), background.UNLIMITED)]


@pytest.mark.django_db
def test_a_thread_starts_without_a_cache(monkeypatch):
    def away(*_, now):
        raise NotCounted

    monkeypatch.setattr(rate_limit, "count", away)
    background.connect(now=timezone.now())
