"""The outbox of logout messages.

It gives each message to one sender at a time, offers a failed message again later, and gives up after a day.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.tokens.factories import make_client
from tokens.back_channel import outbox
from tokens.models import AuditEvent, LogoutMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def client_row(db):
    return make_client("app", public=True, scopes=())


def message(client, now, **fields):
    values = {"created_at": now, "due_at": now, "give_up_at": now + timedelta(days=1), **fields}
    return LogoutMessage.objects.create(client=client, sub="u-1", sid="s-1", **values)


def stored():
    return LogoutMessage.objects.get()


def test_a_message_is_claimed_by_one_sender_until_its_lease_ends(client_row, now):
    message(client_row, now)
    claimed = outbox.claim(now=now)
    assert (claimed.attempts, claimed.client) == (1, client_row)
    assert outbox.claim(now=now + outbox.LEASE - timedelta(seconds=1)) is None
    again = outbox.claim(now=now + outbox.LEASE)
    assert (again.pk, again.attempts) == (claimed.pk, 2)


def test_a_message_before_its_time_and_one_of_a_barred_client_are_not_claimed(client_row, now):
    message(client_row, now, due_at=now + timedelta(seconds=1))
    assert outbox.claim(now=now) is None
    assert outbox.claim(now=now + timedelta(seconds=1), barred={client_row.pk}) is None


def test_the_message_that_waited_longest_is_first(client_row, now):
    late = message(client_row, now)
    early = message(client_row, now, due_at=now - timedelta(seconds=1))
    assert [outbox.claim(now=now).pk for _ in range(2)] == [early.pk, late.pk]


def test_a_delivered_message_is_not_sent_again(client_row, now, caplog):
    caplog.set_level("INFO", "tokens.audit")
    message(client_row, now)
    outbox.delivered(outbox.claim(now=now), token_id="t-1", now=now)
    assert (stored().due_at, stored().delivered_at) == (None, now)
    assert outbox.claim(now=now + timedelta(days=2)) is None
    assert '"action": "logout.delivered"' in caplog.text


def test_a_failed_message_is_tried_again_after_the_wait_of_its_attempt(client_row, now):
    message(client_row, now)
    for attempt, seconds in ((1, 2), (2, 4)):
        assert outbox.failed(outbox.claim(now=now), "it answered 500", jitter=1.0, now=now) is False
        assert (stored().attempts, stored().due_at, stored().failure) == (
            attempt,
            now + timedelta(seconds=seconds),
            "it answered 500",
        )
        now = stored().due_at


def test_a_message_that_fails_after_a_day_is_given_up_with_an_event(client_row, now):
    message(client_row, now)
    end = now + timedelta(days=1)
    assert outbox.failed(outbox.claim(now=end), "refused", jitter=0.0, now=end) is True
    assert (stored().due_at, stored().dead_at, stored().failure) == (None, end, "refused")
    event = AuditEvent.objects.get()
    assert (event.action, event.subject, event.details["reason"]) == ("logout.given_up", "client:app", "refused")


def test_a_sender_that_lost_its_claim_changes_nothing(client_row, now):
    message(client_row, now)
    lost = outbox.claim(now=now)
    winner = outbox.claim(now=now + outbox.LEASE)
    outbox.failed(lost, "too late", jitter=0.0, now=now)
    outbox.delivered(lost, token_id="t-1", now=now)
    assert outbox.give_up(lost, "too late", now=now) is False
    assert (stored().due_at, stored().failure, stored().delivered_at) == (winner.due_at, "", None)
    assert not AuditEvent.objects.exists()


def test_a_given_up_message_is_sent_again_for_another_day_and_no_other_message_is(client_row, now):
    message(client_row, now - timedelta(days=1))
    outbox.failed(outbox.claim(now=now), "refused", jitter=0.0, now=now)
    alive = message(client_row, now, due_at=None, delivered_at=now)
    assert outbox.send_again(LogoutMessage.objects.all(), actor="user:root", now=now) == 1
    claimed = outbox.claim(now=now)
    assert (claimed.attempts, claimed.give_up_at, claimed.dead_at) == (1, now + timedelta(days=1), None)
    alive.refresh_from_db()
    assert alive.due_at is None
    assert AuditEvent.objects.filter(action="logout.sent_again", actor="user:root").count() == 1


def test_the_state_counts_pending_and_given_up_messages(client_row, now):
    message(client_row, now - timedelta(seconds=90))
    message(client_row, now)
    message(client_row, now, due_at=None, dead_at=now)
    message(client_row, now, due_at=None, delivered_at=now)
    assert outbox.state(now=now) == outbox.OutboxState(pending=2, oldest_seconds=90.0, dead=1)
