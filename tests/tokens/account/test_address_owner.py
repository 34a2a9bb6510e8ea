"""Who has an e-mail address: such a user gets mail, and no other user can get an account with the address."""

import unicodedata

import pytest
from allauth.account.models import EmailAddress

from tests.tokens.factories import make_user
from tokens.account import address_owner
from tokens.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_user()


def test_an_address_is_taken_by_each_user_who_has_it_except_the_named_one(ada):
    assert address_owner.is_taken("ada@example.org")
    assert not address_owner.is_taken("ada@example.org", except_sub=str(ada.sub))
    assert not address_owner.is_taken("eve@example.org")
    EmailAddress.objects.create(user=make_user("eve"), email="second@example.org", verified=True)
    assert address_owner.is_taken("second@example.org", except_sub=str(ada.sub))


def test_mail_goes_to_the_address_that_was_looked_up(ada):
    assert address_owner.recipients("ada@example.org") == [(ada, "ada@example.org")]


def test_mail_goes_to_an_address_that_was_stored_with_capitals(ada):
    User.objects.update(email="Ada@Example.org")
    assert address_owner.recipients("ada@example.org") == [(ada, "Ada@Example.org")]


def test_a_disabled_user_gets_no_mail():
    make_user("off", is_active=False)
    assert address_owner.recipients("off@example.org") == []


def test_an_address_in_another_unicode_spelling_gets_no_mail(ada):
    composed = "jos\N{LATIN SMALL LETTER E WITH ACUTE}@example.org"
    User.objects.update(email=unicodedata.normalize("NFD", composed))
    assert address_owner.recipients(composed) == []
