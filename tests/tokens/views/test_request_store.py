"""The stored authorization request while its user logs in.

A request of up to the maximum length survives the login, but only in the browser that sent it.
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session
from django.core import signing
from django.http import HttpRequest
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.factories import CALLBACK, authorization, log_in, make_client, parameters, stored_query
from tests.tokens.pages import assert_page
from tokens.authorize import reauthentication, request_row
from tokens.authorize.request_row import LIFETIME
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.limits.cache_circuit import NotCounted
from tokens.models import Client
from tokens.parameters import AUTHORIZATION
from tokens.revoking import purge
from tokens.settings.rate import RATE_LIMITS
from tokens.views import request_store
from tokens.views.request_store import MAX_LENGTH, MAX_REQUESTS

PASSWORD = "correct horse"
LENGTHS = [500, 2000, 4000, 7000]
TOO_LONG = "The authorization request is longer than 8192 characters."


@pytest.fixture
def own(apis):
    """Return a client of the issuer itself. Its users are not asked for consent, and get the code after the login."""
    return make_client("own", "authorization_code", skip_authorization=True)


def to_login(browser, client, **changes):
    response = browser.get("/oauth/authorize", authorization(client, **changes))
    assert response["Location"].startswith("/accounts/login/?"), response["Location"][:200]
    return response["Location"]


def submit(browser, page, **form):
    return browser.post(page, {"login": "ada", "password": PASSWORD} | form)


def test_the_handle_and_the_mark_of_a_request_have_the_database_s_clock(client, own, monkeypatch):
    """The clocks of the nodes differ. So the time in handle and mark is the database's, which is all nodes' clock."""
    database = timezone.now() + timedelta(seconds=50)
    monkeypatch.setattr(keyring, "estimated_clock", lambda *, now: database)
    back = parameters({"Location": to_login(client, own, prompt="login")})["next"]
    assert int(back.partition("continue=")[2][:8], 16) == int(database.timestamp())
    mark = reauthentication.mark_of(stored_query(client, back))
    assert signing.loads(mark, salt=reauthentication.SALT)[1] == database.timestamp()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("changes", [{}, {"prompt": "login"}, {"max_age": "0"}], ids=str)
def test_a_long_request_is_continued_after_the_login_with_its_state(client, user, own, length, changes):
    state = "s" * length
    page = to_login(client, own, state=state, **changes)
    assert client.get(page).status_code == 200
    back = submit(client, page)["Location"]
    assert parameters(client.get(back))["state"] == state


@pytest.mark.parametrize("length", LENGTHS)
def test_a_long_request_with_consent_is_answered_with_its_state(client, user, webapp, length):
    state = "s" * length
    back = submit(client, to_login(client, webapp, state=state))["Location"]
    page = client.get(back)
    answered = client.post(back, {"shown": page.context["form"].initial["shown"], "allow": "true"})
    assert (answered.status_code, parameters(answered)["state"]) == (303, state)
    assert parameters(answered)["code"]


def test_a_request_is_stored_and_continued_although_the_cache_could_not_count_it(client, user, own, monkeypatch):
    def fail(*_args, **_kwargs):
        raise NotCounted

    with monkeypatch.context() as patched:
        patched.setattr(rate_limit, "count", fail)
        page = to_login(client, own)
    assert parameters(client.get(submit(client, page)["Location"]))["code"]


def test_the_login_page_keeps_the_way_back_after_a_wrong_password(client, user, own):
    page = to_login(client, own, state="s" * 4000)
    wrong = submit(client, page, password="wrong")
    assert wrong.status_code == 200
    hidden = wrong.context["redirect_field_value"]
    assert parameters(client.get(submit(client, "/accounts/login/", next=hidden)["Location"]))["code"]


def test_a_state_is_returned_as_it_was_sent(client, user, own):
    state = "%é+ &=\u4e2d/?#\\\"'"
    back = submit(client, to_login(client, own, state=state))["Location"]
    assert parameters(client.get(back))["state"] == state


@pytest.mark.parametrize("hint", ["jos%C3%A9", "jos\u00e9".encode().decode("latin-1")], ids=["encoded", "raw bytes"])
def test_the_login_page_has_the_login_hint_of_the_request(client, own, hint):
    query = urlencode(authorization(own)) + f"&login_hint={hint}"
    page = client.get("/oauth/authorize", QUERY_STRING=query)["Location"]
    assert 'value="jos\u00e9"' in client.get(page).content.decode()


def test_no_address_after_the_first_repeats_a_parameter(client, user, webapp):
    page = to_login(client, webapp, state="secret-state", login_hint="ada@example.org")
    back = submit(client, page)["Location"]
    for address in (page, back):
        assert len(address) < 100
        assert not [part for part in ("secret-state", "ada", "webapp", "notes", "n-1") if part in address]


def exactly(client, length):
    """Return an authorization request whose query string has `length` characters."""
    bare = len(Browser().get("/oauth/authorize", authorization(client, state="")).request["QUERY_STRING"])
    return authorization(client, state="s" * (length - bare))


def test_a_request_of_the_maximum_length_is_stored_and_a_longer_request_is_an_error_at_the_client(client, user, own):
    limit, over = exactly(own, MAX_LENGTH), exactly(own, MAX_LENGTH + 1)
    page = client.get("/oauth/authorize", limit)["Location"]
    assert parameters(client.get(submit(client, page)["Location"]))["code"]
    answer = client.get("/oauth/authorize", over)
    assert answer["Location"].startswith(f"{CALLBACK}?error=")
    answered = parameters(answer)
    assert (answered["error"], answered["error_description"]) == ("invalid_request", TOO_LONG)
    assert (answered["state"], answered["iss"]) == (over["state"], "http://localhost:8000")


def test_a_visitor_with_a_longer_request_gets_a_page_before_the_login(client, own):
    answer = client.get("/oauth/authorize", authorization(own, state="s" * MAX_LENGTH))
    assert (answer.status_code, answer.context["error"]) == (400, TOO_LONG)
    assert not Session.objects.exists()


@pytest.mark.parametrize("changes", [{"client_id": "nobody"}, {"redirect_uri": "https://evil.example/"}], ids=str)
def test_a_request_that_is_too_long_goes_to_no_invalid_redirect_uri(client, own, changes):
    answer = client.get("/oauth/authorize", exactly(own, MAX_LENGTH + 1) | changes)
    assert answer.status_code == 400
    assert "Location" not in answer


def test_a_request_that_can_never_succeed_is_refused_before_the_login_and_not_stored(client, own):
    answer = client.get("/oauth/authorize", authorization(own, scope="unknown", state="s" * 5000))
    assert answer.status_code == 400
    assert answer.context["error"] == "The scope unknown is unknown, or this client may not request it."
    assert not Session.objects.exists()


def test_a_request_that_became_invalid_during_the_login_is_an_error_at_the_client(client, user, own):
    page = to_login(client, own)
    Client.objects.update(grants=["client_credentials"])
    answered = parameters(client.get(submit(client, page)["Location"]))
    assert (answered["error"], answered["state"]) == ("unauthorized_client", "s-1")


def test_a_handle_opens_nothing_in_another_browser(client, user, own):
    handle = parameters({"Location": to_login(Browser(), own)})["next"]
    log_in(client, user)
    page = client.get(handle)
    assert page.status_code == 400
    assert "began in another browser" in page.content.decode()
    assert client.post(handle, {"shown": "x", "allow": "true"}).status_code == 400
    assert client.get(f"/accounts/login/?next={handle}").status_code == 302, "and asks for no login"


@pytest.mark.parametrize("key", ["", "x", "0" * 32, "of a login"])
def test_an_invented_cookie_opens_nothing(client, user, own, key):
    log_in(client, user)
    handle = "0123456789abcdef"
    client.cookies[f"issuer_session_{handle}"] = client.session.session_key if key == "of a login" else key
    assert client.get(f"/oauth/authorize?continue={handle}").status_code == 400


@pytest.mark.parametrize("value", ["a" * 31 + "\x00", "A" * 32, "a" * 33, "\x00", "é" * 32], ids=repr)
def test_a_cookie_that_is_no_session_key_is_never_looked_up(client, user, own, value, monkeypatch):
    monkeypatch.setattr(request_row, "_row", lambda key: pytest.fail(f"looked up {key!r}"))
    request = HttpRequest()
    handle = "0123456789abcdef"
    request.META["QUERY_STRING"] = f"continue={handle}"
    request.COOKIES = {f"issuer_session_{handle}": value}
    with pytest.raises(request_row.NotStored):
        request_store.read(request, now=timezone.now())


def test_a_continue_parameter_beside_others_is_ignored(client, user, own):
    log_in(client, user)
    sent = authorization(own) | {"continue": "0123456789abcdef"}
    assert parameters(client.get("/oauth/authorize", sent))["code"]


def test_the_key_is_in_an_http_only_same_site_cookie(client, own):
    response = client.get("/oauth/authorize", authorization(own))
    (cookie,) = response.cookies.values()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["max-age"] == LIFETIME.total_seconds()
    assert cookie.value not in response["Location"]


def test_in_production_the_key_is_in_a_secure_cookie(client, own, settings):
    settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_NAME = True, "__Host-issuer_session"
    for _ in range(MAX_REQUESTS + 1):
        response = client.get("/oauth/authorize", authorization(own))
    assert len(response.cookies) == 2, "a new one, and the oldest dropped"
    for name, cookie in response.cookies.items():
        assert name.startswith("__Host-issuer_session_")
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


def test_a_flood_of_cookies_gets_a_bounded_number_of_headers(client, own):
    for number in range(5 * MAX_REQUESTS):
        client.cookies[f"issuer_session_{number:016x}"] = "x" * 32
    response = client.get("/oauth/authorize", authorization(own))
    assert len(response.cookies) == 1 + MAX_REQUESTS, "a new one, and some of the oldest dropped"


@pytest.mark.parametrize("prefix", ["", "issuer_session_x"])
def test_a_cookie_whose_name_only_resembles_that_of_a_request_is_not_deleted(client, own, prefix):
    for number in range(MAX_REQUESTS + 1):
        client.cookies[f"{prefix}{number:016x}"] = "x" * 32
    assert len(client.get("/oauth/authorize", authorization(own)).cookies) == 1


def test_tabs_that_are_sent_to_the_login_at_once_have_a_request_each(client, user, own):
    """Two tabs that are sent to the login at the same time both continue with their own request.

    Both tabs send their request while the browser has no cookie. Each response then sets a cookie of its own.
    """
    tabs = [Browser(), Browser()]
    pages = [to_login(tab, own, state=f"tab-{number}") for number, tab in enumerate(tabs)]
    for tab in tabs:
        client.cookies.update(tab.cookies)
    submit(client, pages[0])
    for number, page in enumerate(pages):
        back = parameters({"Location": page})["next"]
        assert parameters(client.get(back))["state"] == f"tab-{number}"


def test_a_browser_has_eight_requests_and_drops_the_oldest(client, user, own, at):
    now, backs = timezone.now(), []
    for second in range(MAX_REQUESTS + 1):
        with at(now + timedelta(seconds=second)):
            backs.append(parameters({"Location": to_login(client, own, state=f"s-{second}")})["next"])
    log_in(client, user)
    for name in [name for name, cookie in client.cookies.items() if not cookie.value]:
        del client.cookies[name]  # as a browser does
    answers = [client.get(back) for back in backs]
    assert [answer.status_code for answer in answers] == [400, *[302] * MAX_REQUESTS]
    assert parameters(answers[-1])["state"] == f"s-{MAX_REQUESTS}"


def test_a_request_row_is_not_stored_again(client, own):
    back = parameters({"Location": to_login(client, own)})["next"]
    for _ in range(3):
        assert parameters(client.get(back))["next"] == back
    assert Session.objects.count() == 1


def test_a_request_survives_login_logout_and_another_user(client, user, own):
    page = to_login(client, own, state="first")
    back = parameters({"Location": page})["next"]
    log_in(client, user)
    client.post("/accounts/logout/")
    submit(client, page)
    assert parameters(client.get(back))["state"] == "first"


def test_an_abandoned_request_expires_and_is_purged(client, user, own):
    back = parameters({"Location": to_login(client, own)})["next"]
    row = Session.objects.get()
    assert timedelta(0) <= timezone.now() + LIFETIME - row.expire_date < timedelta(minutes=1)
    assert stored_query(client, back)
    later = row.expire_date + timedelta(hours=1)
    assert purge.count("sessions", now=later) == 1
    row.expire_date = timezone.now()
    row.save()
    log_in(client, user)
    assert client.get(back).status_code == 400


def test_the_logins_that_an_address_starts_are_limited(client, own, settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": dict.fromkeys(RATE_LIMITS, (3, 86_400))}
    answers = [Browser().get("/oauth/authorize", authorization(own)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [302, 302, 302, 429]
    assert_page(answers[3], 429)
    assert "Your network sent too many requests to log in." in answers[3].content.decode()
    assert int(answers[3]["Retry-After"]) > 0
    assert Session.objects.count() == 3
    elsewhere = Browser().get("/oauth/authorize", authorization(own), REMOTE_ADDR="192.0.2.9")
    assert elsewhere.status_code == 302


def test_the_documentation_names_the_maximum_length():
    assert f"{MAX_LENGTH} characters" in (Path(__file__).parents[3] / "docs" / "grants.md").read_text()


def test_the_handle_s_parameter_is_no_parameter_of_an_authorization_request():
    assert request_store.PARAMETER not in AUTHORIZATION
