"""Our pages keep their address from everybody, and what they send is still told from what another page sends."""

import pytest
from django.test import Client as Browser

from tests.tokens.pages import told

pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]
PAGE = "/accounts/login/"
OUR_OWN = {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "same-origin"}


@pytest.fixture(params=[False, True], ids=["http", "https"])
def log_in(request, user):
    """Send the login form with these headers, and the token of the page unless it is said to have none."""

    def send(*, token=True, **headers):
        browser = Browser(enforce_csrf_checks=True)
        page = browser.get(PAGE, secure=request.param)
        assert page["Referrer-Policy"] == "no-referrer"
        form = {"login": "ada", "password": "correct horse"}
        if token:
            form["csrfmiddlewaretoken"] = str(page.context["csrf_token"])
        return browser.post(PAGE, form, secure=request.param, **headers)

    return send


def test_a_form_of_our_own_page_is_taken_although_its_origin_is_kept(log_in):
    assert log_in(**OUR_OWN).status_code == 302


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_SEC_FETCH_SITE": "none"},
        {"HTTP_SEC_FETCH_SITE": "Same-Origin"},
        {"HTTP_SEC_FETCH_SITE": "cross-site, same-origin"},
        {"HTTP_SEC_FETCH_SITE": ""},
        {"HTTP_SEC_FETCH_MODE": "same-origin"},
        {},
    ],
    ids=str,
)
def test_a_form_of_no_known_page_is_refused_with_the_token_and_all(log_in, headers):
    told(log_in(**{"HTTP_ORIGIN": "null"} | headers), 403)


def test_an_origin_that_is_said_counts(log_in):
    told(log_in(**OUR_OWN | {"HTTP_ORIGIN": "https://evil.example"}), 403)


def test_the_token_is_asked_for_all_the_same(log_in):
    told(log_in(token=False, **OUR_OWN), 403)


def test_a_browser_that_says_nothing_is_told_why_it_is_refused(log_in):
    refused = log_in(HTTP_ORIGIN="null").content.decode()
    assert "does not say which page" in refused
    assert (
        "does not say which page" not in log_in(HTTP_ORIGIN="null", HTTP_SEC_FETCH_SITE="cross-site").content.decode()
    )


def test_a_host_that_is_not_ours_is_no_origin(client):
    assert client.post(PAGE, HTTP_HOST="evil.example", **OUR_OWN).status_code == 400
