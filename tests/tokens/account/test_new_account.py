"""The account of a visitor who signed up: a user, a verified e-mail address and an audit event, or nothing."""

from datetime import UTC, datetime

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError

from tests.tokens.factories import make_user
from tokens import email_proof
from tokens.account import address_owner, new_account
from tokens.account.new_account import AddressTaken
from tokens.audit import trail
from tokens.models import AuditEvent, User

pytestmark = pytest.mark.django_db
EMAIL, WORD = "new@example.org", "another battery staple"
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def stored():
    return User.objects.count(), EmailAddress.objects.count(), AuditEvent.objects.count()


def test_an_account_has_a_verified_address_and_an_event_with_the_time_of_the_caller():
    user = new_account.create(EMAIL, WORD, now=NOW)
    assert (user.username, user.check_password(WORD), email_proof.is_verified(user)) == ("new", True, True)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject, event.at) == ("user.signed_up", "user:new", "user:new", NOW)


def test_an_address_of_another_user_gets_no_account():
    make_user()
    with pytest.raises(AddressTaken):
        new_account.create("ada@example.org", WORD, now=NOW)
    assert stored() == (1, 0, 0)


def test_an_address_that_another_tab_used_at_the_same_moment_gets_no_second_account(monkeypatch):
    new_account.create(EMAIL, WORD, now=NOW)
    monkeypatch.setattr(address_owner, "is_taken", lambda _: False)
    with pytest.raises(AddressTaken) as caught:
        new_account.create(EMAIL, WORD, now=NOW)
    assert isinstance(caught.value.__cause__, IntegrityError)
    assert stored() == (1, 1, 1)


def test_there_is_no_account_without_its_event(monkeypatch):
    monkeypatch.setattr(trail, "record", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        new_account.create(EMAIL, WORD, now=NOW)
    assert stored() == (0, 0, 0)
