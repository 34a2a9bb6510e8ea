"""RP-initiated logout: when the user is asked, which sessions and tokens end, and where the browser is redirected."""

from datetime import timedelta

import jwt
import pytest
from django.test import Client as Browser

from tests.clock import database_at
from tests.tokens.factories import allow, authorization, log_in, make_client, operation, parameters, redeem
from tokens.keys import keyring, rotation, store
from tokens.keys.revocation import revoke
from tokens.keys.rules import lifecycle
from tokens.models import User

pytestmark = pytest.mark.django_db
AFTER = "https://client.example/bye"


def rotate(**options):
    rotation.rotate(operation(), **options)
    keyring.snapshots.forget()


def withdraw(kid):
    """Let more than a year pass, in which another key begins to sign and the key `kid` is withdrawn."""
    then = store.database_now() + timedelta(days=400)
    with database_at(lambda: then):
        then = rotation.rotate(operation(then)).at + timedelta(days=30)
        keys = [stored.key for stored in store.load("default")]
        assert lifecycle.phase(next(key for key in keys if key.kid == kid), keys, now=then) == "withdrawn"


@pytest.fixture
def app(apis):
    return make_client("app", "authorization_code", public=True, post_logout_redirect_uris=f"{AFTER} {AFTER}?a=b")


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


@pytest.fixture
def hint(browser, app):
    """Return an ID token of the user for the client, signed by a key of the ring."""
    rotate()
    code = parameters(allow(browser, authorization(app)))["code"]
    return redeem(browser, app, code).json()["id_token"]


def request_logout(browser, **query):
    return browser.get("/oauth/logout", query)


def logged_in(browser):
    return "_auth_user_id" in browser.session


def test_the_id_token_of_this_login_logs_out_at_once(browser, hint, caplog):
    caplog.set_level("INFO", "tokens.audit")
    answer = request_logout(browser, id_token_hint=hint, post_logout_redirect_uri=AFTER, state="s&=1")
    assert (answer.status_code, answer["Location"]) == (303, f"{AFTER}?state=s%26%3D1")
    assert not logged_in(browser)
    assert '"action": "user.logged_out", "actor": "user:ada"' in caplog.text


@pytest.mark.parametrize("query", [{}, {"client_id": "app"}, {"client_id": "app", "post_logout_redirect_uri": AFTER}])
def test_another_request_asks_the_user_first(browser, app, query):
    page = request_logout(browser, **query)
    assert page.status_code == 200
    assert logged_in(browser)
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    address = page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"]
    answer = browser.post(address, {"log_out": "true"})
    assert not logged_in(browser)
    assert answer.get("Location") == query.get("post_logout_redirect_uri")


def test_the_id_token_of_another_user_asks_first_and_ends_nothing(browser, hint):
    other = Browser()
    log_in(other, User.objects.create_user("eve"))
    assert request_logout(other, id_token_hint=hint).status_code == 200
    assert logged_in(other)


@pytest.mark.parametrize("ago", [-1, 1, 3600])
def test_the_id_token_of_an_earlier_login_asks_the_user_first(browser, user, hint, ago):
    """If the user were not asked, a party that has an old ID token could end every later session by a link."""
    at = browser.session["account_authentication_methods"][0]["at"]
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": at - ago}]
    session.save()
    assert request_logout(browser, id_token_hint=hint).status_code == 200
    assert logged_in(browser)


def test_a_session_without_a_login_at_the_login_page_asks_the_user_first(browser, user, hint):
    browser.force_login(user)
    session = browser.session
    session.pop("account_authentication_methods", None)
    session.save()
    assert request_logout(browser, id_token_hint=hint).status_code == 200
    assert logged_in(browser)


def test_without_a_session_the_user_is_not_asked(app):
    answer = request_logout(Browser(), client_id="app", post_logout_redirect_uri=AFTER)
    assert answer["Location"] == AFTER
    assert "You are logged out" in request_logout(Browser()).content.decode()


def test_an_expired_hint_signed_by_a_withdrawn_key_is_accepted(browser, hint):
    withdraw(jwt.get_unverified_header(hint)["kid"])
    assert request_logout(browser, id_token_hint=hint).status_code == 200
    assert not logged_in(browser)


def test_a_hint_signed_by_a_revoked_key_is_refused(browser, hint):
    revoke(operation(), jwt.get_unverified_header(hint)["kid"], reason="stolen", accept_outage=True)
    assert request_logout(browser, id_token_hint=hint).status_code == 400
    assert logged_in(browser)


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/",
        f"{AFTER}/",
        f"{AFTER}?x",
        f"{AFTER}#x",
        AFTER.upper(),
        f"{AFTER}%2e",
        "//client.example/bye",
        "javascript:alert(1)",
        f"https://evil.example/?{AFTER}",
        f"{AFTER} {AFTER}?a=b",
        "/accounts/",
    ],
)
def test_the_browser_goes_to_no_address_that_is_not_registered(browser, hint, uri):
    for query in ({"client_id": "app"}, {"id_token_hint": hint}, {}):
        answer = request_logout(browser, post_logout_redirect_uri=uri, **query)
        assert (answer.status_code, "Location" in answer) == (400, False)
    assert logged_in(browser)


def test_the_browser_goes_to_no_address_of_a_disabled_client(browser, app, hint):
    type(app).objects.update(is_active=False)
    for query in ({"client_id": "app"}, {"id_token_hint": hint}):
        answer = request_logout(browser, post_logout_redirect_uri=AFTER, **query)
        assert (answer.status_code, "Location" in answer) == (400, False)
    assert logged_in(browser)


def test_an_address_needs_a_client_that_registered_it(browser, app):
    assert request_logout(browser, post_logout_redirect_uri=AFTER).status_code == 400
    make_client("other", "authorization_code", public=True)
    assert request_logout(browser, client_id="other", post_logout_redirect_uri=AFTER).status_code == 400


def test_the_state_of_the_request_replaces_a_state_of_the_registered_address(browser, app, hint):
    app.post_logout_redirect_uris = f"{AFTER}?state=fixed&a=b"
    app.save()
    answer = request_logout(browser, id_token_hint=hint, post_logout_redirect_uri=f"{AFTER}?state=fixed&a=b", state="1")
    assert answer["Location"] == f"{AFTER}?a=b&state=1"


def test_the_query_of_the_registered_address_is_retained(browser, hint):
    answer = request_logout(browser, id_token_hint=hint, post_logout_redirect_uri=f"{AFTER}?a=b", state="1")
    assert answer["Location"] == f"{AFTER}?a=b&state=1"


@pytest.mark.parametrize(
    "query",
    [
        {"id_token_hint": "x"},
        {"id_token_hint": "eyJhbGciOiJub25lIn0.e30."},
        {"id_token_hint": "é" * 9000},
        {"client_id": "nobody"},
        {"client_id": ["app", "app"]},
        {"state": "\0"},
    ],
)
def test_an_invalid_request_is_an_error_page_and_ends_nothing(browser, app, query):
    assert request_logout(browser, **query).status_code == 400
    assert logged_in(browser)


def test_the_hint_of_another_client_is_refused(browser, hint):
    make_client("other", "authorization_code", public=True)
    assert request_logout(browser, id_token_hint=hint, client_id="other").status_code == 400
    assert logged_in(browser)


@pytest.mark.parametrize("change", ["access token", "another issuer", "one character"])
def test_a_hint_that_is_no_id_token_of_this_issuer_is_refused(browser, app, hint, change, settings):
    if change == "access token":
        code = parameters(allow(browser, authorization(app)))["code"]
        hint = redeem(browser, app, code).json()["access_token"]
    elif change == "another issuer":
        settings.ISSUER = settings.ISSUER | {"URL": "https://other.example"}
    else:
        head, _, signature = hint.rpartition(".")
        hint = f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    assert request_logout(browser, id_token_hint=hint).status_code == 400
    assert logged_in(browser)


def test_an_answer_without_the_csrf_token_ends_nothing(user):
    browser = Browser(enforce_csrf_checks=True)
    log_in(browser, user)
    assert browser.post("/oauth/logout", {"log_out": "true"}).status_code == 403
    assert logged_in(browser)


def test_a_request_sent_as_a_form_asks_the_user_first(browser, app):
    answer = browser.post("/oauth/logout", {"client_id": "app", "state": "1"})
    assert (answer.status_code, answer["Location"]) == (303, "/oauth/logout?client_id=app&state=1")
    assert logged_in(browser)


def test_a_form_of_another_site_comes_without_the_session_and_reads_nothing_of_it(browser, app):
    """The POST has no session cookie because of SameSite=Lax. The GET after the redirect has it."""
    stranger = Browser()
    sent = {"client_id": "app", "post_logout_redirect_uri": AFTER}
    answer = stranger.post("/oauth/logout", sent)
    assert (answer.status_code, answer["Location"].split("?")[0]) == (303, "/oauth/logout")
    assert "Log out?" in browser.get(answer["Location"]).content.decode()
    assert stranger.get(answer["Location"])["Location"] == AFTER


def test_the_metadata_names_the_endpoint(client):
    body = client.get("/.well-known/openid-configuration").json()
    assert body["end_session_endpoint"] == "http://localhost:8000/oauth/logout"
