"""Users change their own e-mail address by a link in mail, and learn nothing about the addresses of other users."""

import re
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core import mail as outbox
from django.test import Client as Browser

from tests.tokens.factories import make_user
from tokens import email_proof
from tokens.models import AuditEvent
from tokens.views import mail_link

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
PAGE, WORD = "/accounts/email/", "correct horse"


def log_in(browser, name="ada"):
    browser.post("/accounts/login/", {"login": name, "password": WORD})
    browser.post("/accounts/reauthenticate/", {"password": WORD})


@pytest.fixture
def ada(client):
    made = make_user()
    log_in(client)
    return made


def link():
    return urlsplit(re.search(r"http://\S+", outbox.outbox[-1].body)[0]).path


def test_a_user_changes_the_address_by_the_link_and_the_old_address_is_notified(client, ada):
    assert client.post(PAGE, {"email": "new@example.org"})["Location"] == "/accounts/email/sent/"
    [message] = outbox.outbox
    assert message.to == ["new@example.org"]
    path = link()
    assert "new@example.org" in client.get(path).content.decode()
    ada.refresh_from_db()
    assert ada.email == "ada@example.org", "opening the link changes nothing"
    assert client.post(path).status_code == 200
    ada.refresh_from_db()
    assert (ada.email, email_proof.is_verified(ada)) == ("new@example.org", True)
    assert outbox.outbox[-1].to == ["ada@example.org"]
    assert AuditEvent.objects.filter(action="user.email_verified").count() == 1
    assert client.post(path).status_code == 400, "a link works once"


def test_a_user_verifies_the_present_address(client, ada):
    client.post(PAGE, {"email": "ada@example.org"})
    client.post(link())
    assert email_proof.is_verified(ada)
    assert [address.email for address in EmailAddress.objects.all()] == ["ada@example.org"]


def test_an_address_of_another_user_gets_the_same_answer_and_that_user_is_notified(client, ada):
    make_user("eve")
    answers = [client.post(PAGE, {"email": email}) for email in ("free@example.org", "eve@example.org")]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/accounts/email/sent/")}
    assert [message.to for message in outbox.outbox] == [["free@example.org"], ["eve@example.org"]]
    assert "confirm" not in outbox.outbox[1].body


def test_an_address_that_another_user_verified_first_is_refused(client, ada):
    client.post(PAGE, {"email": "free@example.org"})
    path, eve = link(), make_user("eve")
    eve.email = "free@example.org"
    eve.save()
    email_proof.verify(eve, "free@example.org")
    assert client.post(path).status_code == 400
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"


def test_a_link_counts_for_its_own_user_only(client, ada):
    client.post(PAGE, {"email": "new@example.org"})
    path = link()
    assert Browser().post(path)["Location"].startswith("/accounts/login/")
    make_user("eve")
    other = Browser()
    log_in(other, "eve")
    assert other.post(path).status_code == 400
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"


def test_a_change_needs_a_confirmation(client):
    make_user()
    client.post("/accounts/login/", {"login": "ada", "password": WORD})
    assert client.post(PAGE, {"email": "new@example.org"})["Location"].startswith("/accounts/reauthenticate/")
    assert outbox.outbox == []


@pytest.mark.parametrize("purpose", [mail_link.SIGN_UP, "other"])
def test_a_link_for_another_purpose_or_a_changed_one_is_refused(client, ada, purpose):
    made = mail_link.make(purpose, sub=str(ada.sub), old=ada.email, new="new@example.org")
    for key in (made, made[:-1], "x"):
        assert client.post(f"/accounts/email/confirm/{key}/").status_code == 400
