"""Password reset and change.

Neither reveals which users exist. A link sets a password once. The user's earlier sessions and grants end.
"""

import re
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail as outbox
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from tests.tokens.factories import allow, authorization, make_user, parameters, redeem, refreshed
from tokens.account import mail_queue
from tokens.models import User

pytestmark = pytest.mark.usefixtures("signer")
RESET, CHANGE = "/accounts/password/reset/", "/accounts/password/change/"
OLD, NEW = "correct horse", "another battery staple"


@pytest.fixture
def ada(db):
    return make_user()


@pytest.fixture
def queued(monkeypatch):
    """Return a list. The functions that the mail thread would run are appended to it, and do not run by themselves."""
    work = []
    monkeypatch.setattr(mail_queue, "later", work.append)
    return work


def request_reset(browser, email):
    return browser.post(RESET, {"email": email})


def link():
    """Return the path of the link in the last mail."""
    return urlsplit(re.search(r"http://\S+", outbox.outbox[-1].body)[0]).path


def set_password(browser, path, word=NEW):
    form = browser.get(path)
    return browser.post(form["Location"] if form.status_code == 302 else path, {"password1": word, "password2": word})


def log_in(browser, word):
    browser.post("/accounts/login/", {"login": "ada", "password": word})
    return "_auth_user_id" in browser.session


def headers(answer):
    """Return the HTTP headers of an answer without the random id of the request."""
    return {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}


def test_a_user_sets_a_new_password_by_the_link_in_the_mail(client, ada):
    answer = request_reset(client, "ada@example.org")
    assert answer["Location"] == "/accounts/password/reset/done/"
    [message] = outbox.outbox
    assert message.to == ["ada@example.org"]
    assert "http://localhost:8000/accounts/password/reset/key/" in message.body
    assert set_password(client, link())["Location"] == "/accounts/password/changed/"
    assert not log_in(Browser(), OLD)
    assert log_in(Browser(), NEW)


def test_a_link_goes_to_the_address_of_the_account_and_not_to_one_that_looks_like_it(client, ada):
    User.objects.filter(pk=ada.pk).update(email="kate@example.org")
    for spelled in ("Kate@Example.org", "\N{KELVIN SIGN}ate@example.org"):
        request_reset(client, spelled)
        assert outbox.outbox.pop().to == ["kate@example.org"], spelled


@pytest.mark.django_db
def test_a_link_goes_to_an_address_that_an_administrator_stored_with_capitals(client):
    make_user("grace")
    User.objects.filter(username="grace").update(email="Grace@Example.org")
    request_reset(client, "grace@example.org")
    assert [message.to for message in outbox.outbox] == [["Grace@Example.org"]]
    assert set_password(client, link()).status_code == 302
    outbox.outbox.clear()  # one says that the password was changed
    request_reset(client, "grace@example.com")
    assert outbox.outbox == []


def test_a_link_works_once_and_its_page_says_that_it_is_no_longer_valid(client, ada):
    request_reset(client, "ada@example.org")
    path = link()
    set_password(client, path)
    again = Browser().get(path)
    assert "is no longer valid" in again.content.decode()
    assert set_password(Browser(), path, "a third pass phrase").status_code == 200
    assert log_in(Browser(), NEW)


def test_a_new_password_is_no_login_and_asks_for_the_second_factor_at_the_next_one(client, ada):
    TOTP.activate(ada, generate_totp_secret())
    request_reset(client, "ada@example.org")
    set_password(client, link())
    assert "_auth_user_id" not in client.session
    answer = client.post("/accounts/login/", {"login": "ada", "password": NEW})
    assert answer["Location"] == "/accounts/2fa/authenticate/"


@pytest.mark.parametrize("way", ["reset", "change"])
def test_a_new_password_ends_sessions_and_grants(client, ada, webapp, way):
    webapp.grants = ["authorization_code", "refresh_token"]
    webapp.save()
    other = Browser()
    for browser in (client, other):
        log_in(browser, OLD)
    query = authorization(webapp, scope="openid notes:read offline_access")
    body = redeem(other, webapp, parameters(allow(other, query))["code"]).json()
    if way == "reset":
        request_reset(Browser(), "ada@example.org")
        assert set_password(Browser(), link()).status_code == 302
    else:
        client.post(CHANGE, {"oldpassword": OLD, "password1": NEW, "password2": NEW})
    assert refreshed(Browser(), webapp, body["refresh_token"]).json()["error"] == "invalid_grant"
    for browser in (client, other):
        assert browser.get("/oauth/authorize", authorization(webapp))["Location"].startswith("/accounts/login/")


def test_every_address_gets_the_same_answer_and_takes_the_same_statements(queued, ada):
    """The answer is the same for an address that is known, unknown or in another spelling.

    It is also the same for the addresses of a disabled user and of a user without a password.
    """
    make_user("off", is_active=False)
    User.objects.create_user("none", "none@example.org")
    answers, statements = [], []
    for name in ("ada@example.org", "nobody@example.org", "ADA@EXAMPLE.ORG", "off@example.org", "none@example.org"):
        browser = Browser()
        with CaptureQueriesContext(connection) as queries:
            answer = request_reset(browser, name)
        done = browser.get(answer["Location"])
        answers.append((answer.status_code, headers(answer), answer.content, done.status_code, done.content))
        statements.append([query["sql"] for query in queries])
    assert all(answer == answers[0] for answer in answers)
    assert all(statement == statements[0] for statement in statements)
    assert len(queued) == 5, "the thread that sends mail looks the user up"
    assert outbox.outbox == []


def test_mail_is_sent_only_to_active_users_with_that_address(client, ada):
    make_user("off", is_active=False)
    for name in ("nobody@example.org", "off@example.org"):
        request_reset(client, name)
    assert outbox.outbox == []


def test_the_host_of_a_request_is_not_in_the_mail(client, ada, settings):
    settings.ALLOWED_HOSTS = ["*"]
    client.post(RESET, {"email": "ada@example.org"}, headers={"host": "evil.example"})
    [message] = outbox.outbox
    assert "evil.example" not in message.body + message.subject
    assert "localhost:8000" in message.body


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_requests_for_one_address_are_limited_whether_it_has_an_account_or_not(queued, ada, settings, email):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"mail": (2, 600)}}
    answers = [request_reset(Browser(REMOTE_ADDR=f"192.0.2.{number}"), email).status_code for number in range(3)]
    assert answers == [302, 302, 429]
    assert len(queued) == 2


@pytest.mark.parametrize("email", ["", "ada", "a" * 300 + "@example.org", "a\0@example.org", "a@b\r\nBcc: c@d.example"])
def test_text_that_is_no_address_gets_the_page_again(queued, client, email):
    assert request_reset(client, email).status_code == 200
    assert queued == []


@pytest.mark.parametrize("path", ["1-x", "zzzzzzzzzzzz-abc-def", "0-" + "a" * 128])
def test_a_link_that_was_never_sent_says_that_it_does_not_work(client, ada, path):
    answer = client.get(f"{RESET}key/{path}/")
    assert "is no longer valid" in answer.content.decode()


@pytest.mark.parametrize("path", ["1" * 13 + "-x", "1", "1-", "-x", "é-x"])
def test_an_address_that_no_link_has_is_not_found(client, path):
    assert client.get(f"{RESET}key/{path}/").status_code == 404


@pytest.mark.parametrize(
    ("old", "first", "second"), [("wrong", NEW, NEW), (OLD, NEW, "other"), (OLD, "short", "short"), (OLD, "", "")]
)
def test_a_password_is_not_changed_by_a_wrong_form(client, ada, old, first, second):
    log_in(client, OLD)
    assert client.post(CHANGE, {"oldpassword": old, "password1": first, "password2": second}).status_code == 200
    assert log_in(Browser(), OLD)


def test_a_changed_password_logs_its_user_out(client, ada):
    log_in(client, OLD)
    answer = client.post(CHANGE, {"oldpassword": OLD, "password1": NEW, "password2": NEW})
    assert answer["Location"] == "/accounts/password/changed/"
    assert "_auth_user_id" not in client.session


def test_without_a_mail_server_there_is_no_reset_and_no_link_to_it(client, settings):
    settings.ISSUER = settings.ISSUER | {"SENDS_MAIL": False}
    assert client.get(RESET).status_code == 404
    assert RESET not in client.get("/accounts/login/").content.decode()
