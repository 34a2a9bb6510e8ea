"""Logout messages are delivered concurrently.

A slow client delays no other client, and no failure loses a message.
"""

import threading
from contextlib import contextmanager
from datetime import timedelta
from queue import Empty
from unittest.mock import Mock

import pytest
from django.db import connection
from django.utils import timezone

from tests.tokens.factories import make_client
from tokens.back_channel.dispatcher import NO_ADDRESS, POLL, DeliveryTally, Dispatcher
from tokens.back_channel.slots import PER_CLIENT
from tokens.keys import keyring
from tokens.keys.errors import NotReady
from tokens.models import LogoutMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
HANGS = 60.0
"""Seconds after which a test that hangs ends."""


def make_receiver(name, **fields):
    uri = f"https://{name}.example/logout"
    return make_client(name, public=True, scopes=(), **{"backchannel_logout_uri": uri, **fields})


def message(client, **fields):
    now = timezone.now() - timedelta(seconds=1)
    values = {"created_at": now, "due_at": now, "give_up_at": now + timedelta(days=1), **fields}
    return LogoutMessage.objects.create(client=client, sub="u-1", sid="s-1", **values)


def accept(_client, _token):
    return ""


def test_every_message_that_is_due_is_posted_to_its_client(decode):
    sent = []
    for name in ("a", "b"):
        message(make_receiver(name))
    assert Dispatcher(send=lambda client, token: sent.append((client.client_id, token)) or "").drain() == DeliveryTally(
        delivered=2
    )
    assert sorted(client_id for client_id, _ in sent) == ["a", "b"]
    for client_id, token in sent:
        header, claims = decode(token, client_id)
        assert (header["typ"], claims["sid"]) == ("logout+jwt", "s-1")
    assert not LogoutMessage.objects.filter(delivered_at=None).exists()


def test_a_delivery_keeps_no_process_from_ending():
    message(make_receiver("a"))
    threads = []
    Dispatcher(send=lambda *_: threads.append(threading.current_thread()) or "").drain()
    assert [thread.daemon for thread in threads] == [True]


def test_a_round_waits_for_a_result_for_a_bounded_time():
    dispatcher = Dispatcher(send=accept)
    dispatcher._results = Mock(get=Mock(side_effect=Empty))
    dispatcher.round()
    dispatcher._results.get.assert_called_once_with(timeout=POLL)


def test_a_client_that_does_not_answer_delays_no_other():
    slow, quick, released = make_receiver("slow"), make_receiver("quick"), threading.Event()
    for _ in range(PER_CLIENT + 5):
        message(slow)
    for _ in range(5):
        message(quick)

    def send(client, _token):
        return "" if client == quick or released.wait(HANGS) else "it hangs"

    dispatcher = Dispatcher(send=send)
    while LogoutMessage.objects.filter(client=quick, delivered_at=None).exists():
        dispatcher.round()
    assert not LogoutMessage.objects.filter(client=slow).exclude(delivered_at=None).exists()
    assert LogoutMessage.objects.filter(client=slow, attempts=1).count() == PER_CLIENT
    released.set()
    assert dispatcher.drain() == DeliveryTally(delivered=PER_CLIENT + 10)


@pytest.mark.parametrize(("reason", "because"), [("it answered 400", "it answered 400"), (None, "the delivery failed")])
def test_a_refusal_or_an_error_is_a_failure_and_is_tried_again_later(reason, because):
    message(make_receiver("a"))

    def send(_client, _token):
        if reason is None:
            raise RuntimeError("a mistake")
        return reason

    assert Dispatcher(send=send).drain() == DeliveryTally(failed=1)
    stored = LogoutMessage.objects.get()
    assert (stored.failure, stored.delivered_at, stored.due_at > timezone.now()) == (because, None, True)


def test_each_statement_of_a_dispatcher_runs_within_its_time_limit():
    limits = []

    @contextmanager
    def bound():
        limits.append("open")
        yield
        limits.pop()

    def execute_within(execute, *arguments):
        assert limits, "a statement without a time limit"
        return execute(*arguments)

    message(make_receiver("a"))
    with connection.execute_wrapper(execute_within):
        assert Dispatcher(send=accept, bound=bound).drain() == DeliveryTally(delivered=1)


def test_each_attempt_has_another_jti(decode):
    tokens = []
    message(make_receiver("a"))
    dispatcher = Dispatcher(send=lambda _client, token: tokens.append(token) or "it answered 500")
    for _ in range(2):
        dispatcher.drain()
        LogoutMessage.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    first, second = (decode(token, "a")[1]["jti"] for token in tokens)
    assert first != second


@pytest.mark.parametrize("fields", [{"is_active": False}, {"backchannel_logout_uri": None}])
def test_nothing_is_sent_to_a_client_that_was_disabled_or_lost_its_address(fields):
    client = make_receiver("a")
    message(client)
    type(client).objects.update(**fields)
    sent = []
    assert Dispatcher(send=lambda *args: sent.append(args) or "").drain() == DeliveryTally(given_up=1)
    assert sent == []
    assert LogoutMessage.objects.get().failure == NO_ADDRESS


def test_without_a_key_that_may_sign_the_message_waits(monkeypatch):
    def not_ready(*_, **__):
        raise NotReady("no key may sign")

    monkeypatch.setattr(keyring, "for_client", not_ready)
    message(make_receiver("a"))
    assert Dispatcher(send=accept).drain() == DeliveryTally(failed=1)
    assert LogoutMessage.objects.get().failure == "no key may sign"


def test_the_last_failure_is_counted_as_given_up():
    now = timezone.now()
    message(make_receiver("a"), give_up_at=now)
    assert Dispatcher(send=lambda *_: "no").drain() == DeliveryTally(given_up=1)
