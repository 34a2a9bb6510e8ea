"""Concurrent requests share one read of the version of the client registry (the cache of clients).

A request uses the result of a read only if the request arrived before the read began.
"""

import time

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.tokens.factories import post
from tokens.clients import registry
from tokens.grants.request import RECEIVED
from tokens.models import Client

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN_REQUEST = {"grant_type": "client_credentials", "scope": "notes:read", "client_id": "service"}


def change():
    Client.objects.filter(client_id="service").update(name=f"changed {time.monotonic_ns()}")


def costs(read) -> int:
    with CaptureQueriesContext(connection) as captured:
        read()
    return len(captured)


def test_a_request_that_was_there_before_the_reading_needs_none_of_its_own(service):
    received = time.monotonic()
    read = registry.version()
    assert costs(lambda: registry.version(received=received)) == 0
    assert registry.version(received=received) == read


def test_a_request_that_came_after_the_reading_sees_each_change(service):
    before = registry.version()
    change()
    assert registry.version(received=time.monotonic()) not in {before, None}


def test_a_request_that_came_while_the_version_was_read_reads_it_again(service, monkeypatch):
    began = time.monotonic()
    monkeypatch.setattr(registry.time, "monotonic", lambda: began)
    registry.version()
    assert costs(lambda: registry.version(received=began)) == 1
    assert costs(lambda: registry.version(received=began - 0.001)) == 0


def test_a_request_whose_arrival_is_unknown_reads_the_version(service):
    registry.version()
    assert costs(registry.version) == 1


def test_what_a_transaction_sees_serves_no_other_request(service):
    received = time.monotonic()
    with transaction.atomic():
        registry.version()
        assert costs(lambda: registry.version(received=received)) == 1
    assert costs(lambda: registry.version(received=received)) == 1


def test_a_failed_reading_serves_no_request(service, monkeypatch):
    received = time.monotonic()
    monkeypatch.setattr(registry, "VERSION", "SELECT 1 FROM nowhere")
    with pytest.raises(Exception, match="nowhere"):
        registry.version()
    monkeypatch.undo()
    assert costs(lambda: registry.version(received=received)) == 1


@pytest.mark.parametrize("came", ["before", "after"])
def test_a_secret_that_was_revoked_is_refused_by_each_request_that_came_after(client, service, signer, came):
    form = TOKEN_REQUEST | {"client_secret": service.plain}
    assert post(client, "/oauth/token", form).status_code == 200
    received = time.monotonic()
    registry.version()
    service.secrets.update(revoked_at=timezone.now())
    came_at = received if came == "before" else time.monotonic()
    answer = post(client, "/oauth/token", form, **{RECEIVED: came_at})
    assert answer.status_code == (200 if came == "before" else 401)


def test_a_client_cannot_say_when_its_request_came(client, service, signer):
    form = TOKEN_REQUEST | {"client_secret": service.plain}
    assert post(client, "/oauth/token", form).status_code == 200
    registry.version()
    service.secrets.update(revoked_at=timezone.now())
    answer = post(client, "/oauth/token", form, headers={RECEIVED: "0", "keyturn-received": "0"})
    assert answer.status_code == 401


def test_a_test_with_real_transactions_leaves_a_version_to_the_next_test():
    call_command("flush", interactive=False)  # as after each such test
    registry.forget()
    assert registry.version() == "first"
