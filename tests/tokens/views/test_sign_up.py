"""Sign-up by a link in mail. It is off by default, and every e-mail address gets the same answer."""

import re
from urllib.parse import urlsplit

import pytest
from django.core import mail as outbox
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from tests.tokens.factories import make_user
from tokens import email_proof
from tokens.account import mail_queue
from tokens.models import User
from tokens.views import mail_link

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
PAGE, WORD = "/accounts/signup/", "another battery staple"


@pytest.fixture
def is_open(settings):
    settings.ISSUER = settings.ISSUER | {"SIGN_UP": True}


def link():
    return urlsplit(re.search(r"http://\S+", outbox.outbox[-1].body)[0]).path


def choose(browser, path, word=WORD):
    return browser.post(path, {"password1": word, "password2": word})


def test_sign_up_is_off_by_default(client):
    assert client.get(PAGE).status_code == 404
    key = mail_link.make(mail_link.SIGN_UP, email="a@example.org", target="")
    assert choose(client, f"{PAGE}{key}/").status_code == 404
    assert PAGE not in client.get("/accounts/login/").content.decode()


@pytest.mark.usefixtures("is_open")
def test_the_login_page_leads_to_the_form_for_an_address_which_shows_no_error_yet(client):
    assert PAGE in client.get("/accounts/login/").content.decode()
    assert "This field is required" not in client.get(PAGE).content.decode()
    assert "This field is required" in client.post(PAGE, {"email": ""}).content.decode()


@pytest.mark.usefixtures("is_open")
def test_a_visitor_gets_an_account_with_a_verified_address_and_returns_to_the_application(client):
    target = "/oauth/authorize?continue=6b0be8be3af5bec2"
    assert client.post(PAGE, {"email": "new@example.org", "next": target}).status_code == 302
    assert not User.objects.exists()
    path = link()
    assert client.get(path).status_code == 200
    answer = choose(client, path)
    assert answer["Location"] == (
        "/accounts/login/?login_hint=new%40example.org&next=%2Foauth%2Fauthorize%3Fcontinue%3D6b0be8be3af5bec2"
    )
    user = User.objects.get()
    assert (user.email, email_proof.is_verified(user), user.is_staff) == ("new@example.org", True, False)
    client.post("/accounts/login/", {"login": "new@example.org", "password": WORD})
    assert "_auth_user_id" in client.session
    assert choose(Browser(), path).status_code == 400, "a link makes one account"
    assert User.objects.count() == 1


@pytest.mark.usefixtures("is_open")
def test_every_address_gets_the_same_answer_and_takes_the_same_statements(monkeypatch):
    monkeypatch.setattr(mail_queue, "later", lambda _: None)
    make_user()
    answers, statements = [], []
    for email in ("ada@example.org", "nobody@example.org"):
        with CaptureQueriesContext(connection) as queries:
            answer = Browser().post(PAGE, {"email": email})
        del answer.headers["X-Request-ID"]  # random
        answers.append((answer.status_code, dict(answer.headers), answer.content))
        statements.append([query["sql"] for query in queries])
    assert answers[0] == answers[1]
    assert statements[0] == statements[1]


@pytest.mark.usefixtures("is_open")
def test_a_user_who_has_an_account_is_notified_by_mail_and_gets_no_link(client):
    make_user()
    client.post(PAGE, {"email": "ADA@example.org"})
    [message] = outbox.outbox
    assert "already exists" in message.body
    assert PAGE not in message.body


@pytest.mark.usefixtures("is_open")
@pytest.mark.parametrize("word", ["", "short", "new@example.org", "password123"])
def test_a_weak_password_makes_no_account(client, word):
    client.post(PAGE, {"email": "new@example.org"})
    assert choose(client, link(), word).status_code == 200
    assert not User.objects.exists()


@pytest.mark.usefixtures("is_open")
def test_two_users_with_the_same_name_before_the_at_get_two_usernames(client):
    for email in ("new@example.org", "new@example.com"):
        client.post(PAGE, {"email": email})
        choose(client, link())
    assert User.objects.values("username").distinct().count() == 2


@pytest.mark.usefixtures("is_open")
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "http://["])
def test_a_sign_up_never_leads_to_another_site(client, target):
    client.post(PAGE, {"email": "new@example.org", "next": target})
    assert "evil" not in choose(client, link())["Location"]
