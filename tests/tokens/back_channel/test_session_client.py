"""The clients that take part in a login session.

If the same user logs in again during the session, the session continues. If another user logs in, it ends. No code is
issued for a session that has ended.
"""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone

from tests.tokens.factories import allow, authorization, log_in, make_client, make_user, parameters
from tokens.authorize import login_session
from tokens.back_channel import session_end
from tokens.grants import device_answer
from tokens.issued import user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.models import AuthorizationCode, DeviceCode, LogoutMessage, SessionClient, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
LOGIN = "/accounts/login/"


@pytest.fixture
def app(apis):
    uri = "https://client.example/logged-out"
    return make_client("app", "authorization_code", public=True, backchannel_logout_uri=uri)


def log_in_by_page(browser, username="ada", **query):
    return browser.post(LOGIN, {"login": username, "password": "correct horse", **query})


def sid_of(browser):
    return browser.session[login_session.SID]


def test_a_session_that_ends_while_its_user_consents_gives_no_code(client, user, app):
    log_in(client, user)
    real, sid = user_grant.create, sid_of(client)

    def create(*arguments, **named):
        session_end.end_session(user, sid, now=timezone.now())
        return real(*arguments, **named)

    with patch("tokens.authorize.authorization_code.user_grant.create", create):
        answer = allow(client, authorization(app))
    assert answer["Location"].startswith("/oauth/authorize"), "to the same request, which leads to the login"
    assert not AuthorizationCode.objects.exists()
    assert not SessionClient.objects.exists()
    assert client.get(answer["Location"])["Location"].startswith(LOGIN)


def test_a_login_gives_a_random_sid_that_is_not_the_key_of_the_session(client, user, app):
    log_in_by_page(client)
    first, key = sid_of(client), client.session.session_key
    assert len(first) == 32
    assert key not in first
    client.post("/accounts/logout/")
    log_in_by_page(client)
    assert sid_of(client) != first


def test_a_user_who_has_to_log_in_again_keeps_the_session_and_no_client_is_notified(client, user, app):
    log_in_by_page(client)
    sid, key = sid_of(client), client.session.session_key
    assert "code" in parameters(allow(client, authorization(app)))
    address = client.get("/oauth/authorize", authorization(app, prompt="login"))["Location"]
    client.post(address, {"login": "ada", "password": "correct horse"})
    assert (sid_of(client), client.session.session_key == key) == (sid, False)
    assert not LogoutMessage.objects.exists()


def test_another_user_who_logs_in_ends_the_session_before_and_its_client_is_notified(client, user, app):
    make_user("eve")
    log_in_by_page(client)
    sid = sid_of(client)
    assert "code" in parameters(allow(client, authorization(app)))
    address = client.get("/oauth/authorize", authorization(app, prompt="login"))["Location"]
    client.post(address, {"login": "eve", "password": "correct horse"})
    assert [message.sid for message in LogoutMessage.objects.all()] == [sid]
    assert sid_of(client) != sid


def test_a_failed_login_ends_no_session(client, user, app):
    log_in_by_page(client)
    sid = sid_of(client)
    assert "code" in parameters(allow(client, authorization(app)))
    address = client.get("/oauth/authorize", authorization(app, prompt="login"))["Location"]
    client.post(address, {"login": "ada", "password": "wrong"})
    assert sid_of(client) == sid
    assert not LogoutMessage.objects.exists()


def test_an_earlier_session_that_ended_elsewhere_does_not_go_on(client, user, app):
    log_in_by_page(client)
    sid = sid_of(client)
    session_end.end_session(user, sid, now=timezone.now())
    address = client.get("/oauth/authorize", authorization(app, prompt="login"))["Location"]
    client.post(address, {"login": "ada", "password": "correct horse"})
    assert sid_of(client) != sid


def test_the_last_time_in_a_session_is_remembered_once_per_client(client, user, app, at):
    log_in(client, user)
    allow(client, authorization(app))
    first = SessionClient.objects.get()
    allow(client, authorization(app))
    second = SessionClient.objects.get()
    assert second.last_at > first.last_at


def test_a_device_is_not_in_the_session_of_the_browser_that_allows_it(user, app):
    now = timezone.now()
    code = DeviceCode.objects.create(
        digest="d", user_code_digest="u", client=app, created_at=now, interval=5, expires_at=now + timedelta(minutes=5)
    )
    login = Login(at=now, acr="", amr=("pwd",), sid="s-1")
    assert device_answer.allow(code, user, Target("http://localhost:8000", ("openid",), None), login, now=now)
    assert UserGrant.objects.get().sid is None
    assert not SessionClient.objects.exists()
