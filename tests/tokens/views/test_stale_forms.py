"""A stale form, for example one that was loaded before a later login, is refused.

The page with the refusal has links by which the user can continue.
"""

import re
from html import unescape
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client as Browser

from tests.tokens.factories import authorization, log_in, make_client, parameters, post
from tests.tokens.pages import assert_page
from tokens.models import GrantType, User, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]
LOGIN = "/accounts/login/"
VERIFY = "/oauth/device/verify"


@pytest.fixture
def browser(user):
    """Return a browser of Django's test client with the CSRF check turned on."""
    return Browser(enforce_csrf_checks=True)


def token(page):
    return {"csrfmiddlewaretoken": str(page.context["csrf_token"])}


def links(answer):
    """Return the addresses of the links on the page that refuses the form, by label."""
    assert_page(answer, 403)
    anchors = re.findall(r'<a href="([^"]*)">([^<]*)</a>', answer.content.decode())
    return {label: unescape(address) for address, label in anchors}


def login_form(page, name="ada"):
    return {"login": name, "password": "correct horse"} | token(page)


def log_in_elsewhere(browser, name="ada"):
    """Log in in another tab of the browser. After that, the forms in all other tabs are stale."""
    assert browser.post(LOGIN, login_form(browser.get(LOGIN), name)).status_code == 302


def address(page):
    return f"{page.request['PATH_INFO']}?{page.request['QUERY_STRING']}"


@pytest.mark.parametrize("place", ["address", "field"])
def test_the_second_of_two_login_tabs_links_to_its_request(browser, webapp, place):
    to_login = browser.get("/oauth/authorize", authorization(webapp, state="of this tab"))["Location"]
    page = browser.get(to_login)
    form = login_form(page)
    log_in_elsewhere(browser)
    if place == "address":
        refused = browser.post(to_login, form)
    else:
        refused = browser.post(LOGIN, form | {"next": page.context["redirect_field_value"]})
    consent = browser.get(links(refused)["Continue as ada"])
    assert consent.context["client"] == webapp
    answered = browser.post(
        address(consent), {"shown": consent.context["form"].initial["shown"], "allow": "true"} | token(consent)
    )
    assert parameters(answered)["state"] == "of this tab"


@pytest.mark.parametrize("place", ["address", "field"])
def test_a_user_who_is_not_logged_in_gets_a_link_to_the_login_with_the_request(browser, user, place):
    target = "/oauth/device/verify?user_code=BCDF-GHJK"
    refused = (
        browser.post(f"{LOGIN}?next=%2Foauth%2Fdevice%2Fverify%3Fuser_code%3DBCDF-GHJK", {"login": "ada"})
        if place == "address"
        else browser.post(LOGIN, {"login": "ada", "next": target})
    )
    assert list(links(refused)) == ["Open the page again"]
    again = links(refused)["Open the page again"]
    assert browser.post(again, login_form(browser.get(again)))["Location"] == target


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_page_has_no_link_to_another_site(browser, user, target):
    log_in(browser, user)
    anchors = links(browser.post(LOGIN, {"next": target}))
    assert list(anchors) == ["Open the page again"]
    assert anchors["Open the page again"].startswith("/accounts/login/?next=")


def test_a_form_without_a_target_gets_a_link_to_its_page(browser, user):
    log_in(browser, user)
    assert links(browser.post("/accounts/logout/")) == {"Open the page again": "/accounts/logout/"}
    assert links(browser.post("/accounts/everywhere/")) == {"Open the page again": "/accounts/everywhere/"}


def test_the_page_has_its_link_while_the_database_is_away(browser, user):
    with patch("django.contrib.auth.middleware.get_user", side_effect=OperationalError):
        anchors = links(browser.post(f"{LOGIN}?next=/accounts/", {}))
    assert list(anchors) == ["Open the page again"]


@pytest.mark.parametrize("kept", [True, False], ids=["after a login", "logged in before"])
def test_consent_after_another_login_asks_the_new_user(browser, user, webapp, kept):
    User.objects.create_user("eve", password="correct horse")
    if kept:
        to_login = browser.get("/oauth/authorize", authorization(webapp, state="s" * 3000))["Location"]
        page = browser.get(browser.post(to_login, login_form(browser.get(to_login)))["Location"])
    else:
        log_in(browser, user)
        page = browser.get("/oauth/authorize", authorization(webapp, state="s" * 3000))
    answer = {"shown": page.context["form"].initial["shown"], "allow": "true"}
    browser.post("/accounts/logout/", token(browser.get("/accounts/logout/")))
    log_in_elsewhere(browser, "eve")
    refused = browser.post(address(page), answer | token(page))
    again = browser.get(links(refused)["Open the page again"])
    assert again.context["user"].username == "eve"
    assert not UserGrant.objects.exists()
    with_her_token = browser.post(address(again), answer | token(again))
    assert with_her_token["Location"] == address(again), "the proof of ada's page is not hers"
    answer["shown"] = again.context["form"].initial["shown"]
    assert parameters(browser.post(address(again), answer | token(again)))["state"] == "s" * 3000


@pytest.fixture
def user_code(apis):
    make_client("tv", GrantType.DEVICE_CODE, public=True)
    return post(Browser(), "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()["user_code"]


def typed(browser, address):
    return browser.get(address).context["typed"]


def test_the_typed_code_survives_a_login_in_another_tab(browser, user, user_code):
    log_in(browser, user)
    page = browser.get(VERIFY)
    log_in_elsewhere_again(browser)
    refused = browser.post(VERIFY, {"user_code": user_code} | token(page))
    assert typed(browser, links(refused)["Open the page again"]) == user_code


def log_in_elsewhere_again(browser):
    browser.post("/accounts/logout/", token(browser.get("/accounts/logout/")))
    log_in_elsewhere(browser)


@pytest.mark.parametrize("before", ["", "?user_code=WXZB-CDFG"])
def test_the_typed_code_survives_a_session_that_ended(browser, user, user_code, before):
    log_in(browser, user)
    page = browser.get(VERIFY + before)
    browser.cookies.pop("issuer_session")
    to_login = browser.post(VERIFY + before, {"user_code": user_code} | token(page))
    assert to_login.status_code == 302
    back = browser.post(to_login["Location"], login_form(browser.get(to_login["Location"])))["Location"]
    assert typed(browser, back) == user_code


def test_a_very_long_code_is_cut(browser, user):
    to_login = browser.get(VERIFY, {"user_code": "B" * 5000})["Location"]
    assert len(to_login) < 100


@pytest.mark.parametrize("page", [LOGIN, "/admin/login/"])
def test_the_page_that_asks_to_wait_links_to_the_login_with_the_request(client, user, page, settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"login": (1, 86_400)}}
    field = "username" if "admin" in page else "login"
    answers = [client.post(page, {field: "ada", "password": "x", "next": "/accounts/"}) for _ in range(2)]
    assert answers[1].status_code == 429
    assert f'href="{page}?next=%2Faccounts%2F"' in answers[1].content.decode()
