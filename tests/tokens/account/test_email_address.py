"""A user's e-mail address is changed or verified together with its audit event, or not at all."""

from datetime import UTC, datetime
from functools import partial

import pytest
from allauth.account.models import EmailAddress

from tests.tokens.factories import make_user
from tokens import email_proof
from tokens.account import email_address
from tokens.audit import trail
from tokens.email_proof import CannotVerify
from tokens.models import AuditEvent, User

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def ada():
    return make_user()


def events():
    return list(AuditEvent.objects.values_list("action", "actor", "subject", "details", "at"))


def addresses(user):
    return list(EmailAddress.objects.filter(user=user).values_list("email", "verified"))


def test_a_new_address_replaces_all_earlier_ones_and_the_former_one_is_returned(ada):
    EmailAddress.objects.create(user=ada, email="second@example.org", verified=True)
    assert email_address.change(ada, "new@example.org", now=NOW) == "ada@example.org"
    assert User.objects.get().email == "new@example.org"
    assert addresses(ada) == [("new@example.org", True)]
    assert events() == [("user.email_verified", "user:ada", "user:ada", {}, NOW)]


@pytest.mark.parametrize("old", ["new@example.org", ""])
def test_no_former_address_is_returned_if_it_is_the_same_or_empty(ada, old):
    ada.email = old
    ada.save()
    assert email_address.change(ada, "new@example.org", now=NOW) == ""
    assert email_proof.is_verified(ada)


def test_an_address_that_another_user_verified_changes_nothing(ada):
    email_proof.verify(ada, "ada@example.org")
    eve = make_user("eve")
    email_proof.verify(eve, "eve@example.org")
    with pytest.raises(CannotVerify):
        email_address.change(ada, "eve@example.org", now=NOW)
    assert User.objects.get(pk=ada.pk).email == "ada@example.org"
    assert addresses(ada) == [("ada@example.org", True)]
    assert events() == []


def test_an_administrator_verifies_an_address_once(ada):
    for _ in range(2):
        email_address.verify(ada, "ada@example.org", actor="user:root", now=NOW)
    assert addresses(ada) == [("ada@example.org", True)]
    assert events() == [("user.email_verified", "user:root", "user:ada", {"email": "ada@example.org"}, NOW)]


@pytest.mark.parametrize(
    "verify", [email_address.change, partial(email_address.verify, actor="user:root")], ids=["user", "administrator"]
)
def test_an_address_is_not_verified_without_its_event(ada, monkeypatch, verify):
    monkeypatch.setattr(trail, "record", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        verify(ada, "ada@example.org", now=NOW)
    assert addresses(ada) == []
