"""The login sessions of a user's browsers.

The tests are about the row of a session, the SQL statements that write it, the user who sees it, and the session's end.
"""

import uuid
from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.factories import allow, authorization, log_in, make_user
from tokens.account import browser_session
from tokens.models import AuditEvent, BrowserSession, Client, LogoutMessage
from tokens.revoking import access, purge
from tokens.views import sessions

PAGE = "/accounts/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Version/26.0 Mobile Safari/604"


@pytest.fixture(autouse=True)
def process_begins():
    browser_session._seen.clear()


def logged_in(username="ada", user_agent=FIREFOX, password="correct horse"):
    """Return a browser whose user has logged in on the login page."""
    browser = Browser(HTTP_USER_AGENT=user_agent, REMOTE_ADDR="192.0.2.7")
    assert browser.post("/accounts/login/", {"login": username, "password": password}).status_code == 302
    return browser


def is_logged_in(browser):
    return browser.get("/accounts/").context["user"].is_authenticated


def row_of(browser):
    return BrowserSession.objects.get(pk=browser_session.current(browser.session))


def test_a_login_is_listed_with_its_browser_and_this_session_is_marked(user):
    phone, here = logged_in(user_agent=IPHONE), logged_in()
    page = here.get(PAGE)
    first, second = page.context["rows"]
    assert (first.device.browser, first.device.system, first.is_current) == ("Firefox", "Linux", True)
    assert (second.device.browser, second.device.system, second.is_current) == ("Safari", "iPhone", False)
    assert str(second.session.pk) == str(row_of(phone).pk)
    text = page.content.decode()
    assert "Safari on iPhone" in text
    assert text.count("End this session") == 1, "not for this session"


def test_this_session_is_listed_first_even_if_another_was_used_later(user):
    here = logged_in()
    logged_in(user_agent=IPHONE)
    assert [row.is_current for row in here.get(PAGE).context["rows"]] == [True, False]


def test_the_address_is_stored_only_if_the_operator_turned_it_on(user, settings):
    assert row_of(logged_in()).address == ""
    settings.ISSUER = settings.ISSUER | {"SESSION_ADDRESSES": True}
    browser = logged_in()
    assert row_of(browser).address == "192.0.2.7"
    assert "192.0.2.7" in browser.get(PAGE).content.decode()


def test_a_session_that_ends_elsewhere_is_refused_at_its_next_request(user):
    phone, here = logged_in(user_agent=IPHONE), logged_in()
    answer = here.post(PAGE, {"end": str(row_of(phone).pk)})
    assert (answer.status_code, answer["Location"]) == (303, f"{PAGE}?ended=1")
    assert (is_logged_in(phone), is_logged_in(here)) == (False, True)
    assert "1 session ended" in here.get(answer["Location"]).content.decode()
    assert BrowserSession.objects.count() == 1
    [event] = AuditEvent.objects.filter(action="session.ended")
    assert (event.actor, event.subject) == ("user:ada", "user:ada")


def test_all_other_sessions_end_and_this_one_stays(user):
    others, here = [logged_in() for _ in range(3)], logged_in()
    assert here.post(PAGE, {"end": "others"})["Location"] == f"{PAGE}?ended=3"
    assert ([is_logged_in(browser) for browser in others], is_logged_in(here)) == ([False] * 3, True)


def test_no_user_ends_the_session_of_another_user(user):
    make_user("eve")
    here, eve = logged_in(), logged_in("eve")
    for chosen in (str(row_of(here).pk), "others", "", "x", str(uuid.uuid4()), "\0"):
        assert eve.post(PAGE, {"end": chosen})["Location"] == f"{PAGE}?ended=0"
    assert is_logged_in(here)
    assert [row.session.user.username for row in eve.get(PAGE).context["rows"]] == ["eve"]


def test_this_session_does_not_end_by_its_own_id(user):
    here = logged_in()
    assert here.post(PAGE, {"end": str(row_of(here).pk)})["Location"] == f"{PAGE}?ended=0"
    assert is_logged_in(here)


def test_a_visitor_is_sent_to_the_login(client):
    assert client.get(PAGE)["Location"].startswith("/accounts/login/?next=")
    assert client.post(PAGE, {"end": "others"})["Location"].startswith("/accounts/login/?next=")


def test_last_seen_is_not_written_again_after_another_process_wrote_it(user, at):
    start = timezone.now()
    with at(start):
        browser = logged_in()
    written = start + timedelta(minutes=5)
    BrowserSession.objects.update(last_seen_at=written)
    with at(start + timedelta(minutes=6)):
        browser.get("/accounts/logout/")
    assert row_of(browser).last_seen_at == written


def test_last_seen_is_written_once_in_five_minutes(user, at, django_assert_num_queries):
    start = timezone.now()
    with at(start):
        browser = logged_in()
        browser.get("/accounts/")
    quiet = 2  # the session and its user
    with at(start + timedelta(minutes=4)), django_assert_num_queries(quiet):
        browser.get("/accounts/logout/")
    with at(start + timedelta(minutes=6)), django_assert_num_queries(quiet + 1):
        browser.get("/accounts/logout/")
    assert row_of(browser).last_seen_at == start + timedelta(minutes=6)
    with at(start + timedelta(minutes=7)), django_assert_num_queries(quiet):
        browser.get("/accounts/logout/")


@pytest.mark.django_db
def test_a_request_without_a_session_costs_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/accounts/login/")


def test_a_process_remembers_a_bounded_number_of_sessions(monkeypatch):
    monkeypatch.setattr(browser_session, "REMEMBERED", 3)
    now = timezone.now()
    assert all(browser_session._claim_write(str(number), now=now) for number in range(9))
    assert list(browser_session._seen) == ["6", "7", "8"]


def test_a_process_forgets_the_session_that_was_written_longest_ago(monkeypatch):
    monkeypatch.setattr(browser_session, "REMEMBERED", 2)
    start = timezone.now()
    for row in ("first", "second"):
        browser_session._claim_write(row, now=start)
    later = start + browser_session.EVERY
    assert [browser_session._claim_write(row, now=later) for row in ("first", "third")] == [True, True]
    assert list(browser_session._seen) == ["first", "third"]


def test_a_logout_deletes_the_record(user):
    browser = logged_in()
    browser.post("/accounts/logout/")
    assert not BrowserSession.objects.exists()


def test_after_a_logout_everywhere_no_earlier_session_is_listed(user):
    logged_in()
    access.log_out_everywhere_by_user(user, now=timezone.now())
    here = logged_in()
    assert [row.is_current for row in here.get(PAGE).context["rows"]] == [True]


def test_the_record_follows_a_new_password(user):
    """A changed password gives the session a new key (by Django) and a new session epoch (by the issuer).

    The issuer's row about the session gets both new values.
    """
    here, other = logged_in(), logged_in()
    before = row_of(here)
    user.set_password("battery staple")
    user.save()
    user.refresh_from_db()
    request = HttpRequest()
    request.session, request.user = here.session, user
    update_session_auth_hash(request, user)
    request.session.save()
    here.cookies[django_settings.SESSION_COOKIE_NAME] = request.session.session_key
    assert (is_logged_in(here), is_logged_in(other)) == (True, False)
    after = row_of(here)
    assert (after.pk, after.session_epoch) == (before.pk, user.session_epoch)
    assert after.session_key != before.session_key
    assert [row.is_current for row in here.get(PAGE).context["rows"]] == [True]


def test_a_session_from_before_the_upgrade_gets_its_record_on_the_page(client, user):
    log_in(client, user)
    client.get("/accounts/")
    assert not BrowserSession.objects.exists(), "nothing writes the session"
    assert [row.is_current for row in client.get(PAGE).context["rows"]] == [True]
    assert BrowserSession.objects.count() == 1


def test_a_request_that_is_still_running_does_not_restore_an_ended_session(user):
    phone, here = logged_in(), logged_in()
    running = import_module(django_settings.SESSION_ENGINE).SessionStore(phone.session.session_key)
    running["x"] = 1
    here.post(PAGE, {"end": "others"})
    with pytest.raises(UpdateError):
        running.save()
    assert Session.objects.count() == 1


def test_the_purge_deletes_records_whose_session_has_ended(user, at):
    start = timezone.now()
    with at(start):
        gone, here = logged_in(), logged_in()
        Session.objects.filter(pk=gone.session.session_key).delete()
        assert purge.count("session records", now=start) == 0, "not while its key may be changing"
        later = start + timedelta(hours=2)
        assert list(purge.purge("session records", now=later)) == [1]
        assert [row.pk for row in BrowserSession.objects.all()] == [row_of(here).pk]


@pytest.mark.parametrize("header", ["", "x" * 1000, "a\0b", "ü" * 400])
def test_any_user_agent_can_log_in(user, header):
    assert len(row_of(logged_in(user_agent=header)).user_agent) <= browser_session.LONGEST


def test_the_clients_of_an_ended_session_are_notified(user, webapp, signer):
    Client.objects.update(backchannel_logout_uri="https://client.example/logout")
    phone, here = logged_in(user_agent=IPHONE), logged_in()
    assert "code=" in allow(phone, authorization(webapp))["Location"]
    sid = row_of(phone).sid
    assert sid
    here.post(PAGE, {"end": str(row_of(phone).pk)})
    assert [(logout_message.client, logout_message.sid) for logout_message in LogoutMessage.objects.all()] == [
        (webapp, sid)
    ]


def test_a_form_of_another_site_ends_nothing_and_withdraws_nothing(user):
    forged = Browser(enforce_csrf_checks=True)
    log_in(forged, user)
    other = logged_in()
    assert forged.post(PAGE, {"end": "others"}).status_code == 403
    assert forged.post("/accounts/applications/", {"withdraw": "app"}).status_code == 403
    assert is_logged_in(other)


def test_one_form_ends_a_bounded_number_of_sessions(user, monkeypatch):
    monkeypatch.setattr(sessions, "SHOWN", 2)
    for _ in range(4):
        logged_in()
    here = logged_in()
    assert [here.post(PAGE, {"end": "others"})["Location"].partition("=")[2] for _ in range(3)] == ["2", "2", "0"]
    assert is_logged_in(here)
