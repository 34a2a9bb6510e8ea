"""Forms of the issuer's own pages are accepted, although the browser does not name their origin (no-referrer).

Forms of other sites are refused.
"""

import pytest
from django.test import Client as Browser

from tests.tokens.pages import assert_page

pytestmark = pytest.mark.urls("project.urls.issuer")
PAGE = "/accounts/login/"
OUR_OWN = {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "same-origin"}


@pytest.fixture(params=[False, True], ids=["http", "https"])
def log_in(request, user):
    """Return a function that sends the login form and returns the answer.

    Its keyword arguments are HTTP headers. If its argument `token` is False, the form lacks the CSRF token.
    """

    def send(*, token=True, **headers):
        browser = Browser(enforce_csrf_checks=True)
        page = browser.get(PAGE, secure=request.param)
        assert page["Referrer-Policy"] == "no-referrer"
        form = {"login": "ada", "password": "correct horse"}
        if token:
            form["csrfmiddlewaretoken"] = str(page.context["csrf_token"])
        return browser.post(PAGE, form, secure=request.param, **headers)

    return send


def test_a_form_of_our_own_page_is_accepted_although_its_origin_is_null(log_in):
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
def test_a_form_of_an_unknown_page_is_refused_even_with_the_csrf_token(log_in, headers):
    assert_page(log_in(**{"HTTP_ORIGIN": "null"} | headers), 403)


def test_a_foreign_origin_is_refused(log_in):
    assert_page(log_in(**OUR_OWN | {"HTTP_ORIGIN": "https://evil.example"}), 403)


def test_the_csrf_token_is_required(log_in):
    assert_page(log_in(token=False, **OUR_OWN), 403)


def test_an_old_browser_gets_a_page_that_says_why_it_is_refused(log_in):
    refused = log_in(HTTP_ORIGIN="null").content.decode()
    assert "does not say which page" in refused
    assert (
        "does not say which page" not in log_in(HTTP_ORIGIN="null", HTTP_SEC_FETCH_SITE="cross-site").content.decode()
    )


def test_a_foreign_host_is_refused(client):
    assert client.post(PAGE, HTTP_HOST="evil.example", **OUR_OWN).status_code == 400
