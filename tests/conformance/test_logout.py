"""The plan oidcc-rp-initiated-logout-certification-test-plan: 11 modules."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests import marks
from tests.conformance.suite import Suite

pytestmark = [*marks.conformance]
DONE, QUESTION, ERROR = "You are logged out", "Log out?", "This request cannot be answered"


@pytest.fixture
def id_token(once: Suite):
    """Log a user in, and return the ID token."""
    return once.tokens()["id_token"]


def log_out(suite: Suite, **parameters):
    return suite.browser.get(f"{suite.issuer}/oauth/logout?{urlencode(parameters)}")


def is_logged_in(suite: Suite):
    """Return True if an authorization request with prompt=none succeeds."""
    return "code" in suite.authorize(suite.request(prompt="none"), log_in=False).values


def returned(suite: Suite, page):
    """Return the parameters that the logout sent to the post-logout redirect URI.

    `page` is the browser's page after the logout. Fails if it is not the page at this URI.
    """
    assert page.url.startswith(suite.plan["after_logout"]), page.text
    return dict(parse_qsl(urlsplit(page.url).query))


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(once: Suite):
    """The metadata names the end_session_endpoint."""
    assert once.metadata["end_session_endpoint"].startswith(f"{once.issuer}/")


def test_oidcc_rp_initiated_logout(once: Suite, id_token):
    """A logout with ID token hint, registered redirect URI and state ends the session and returns the state."""
    page = log_out(once, id_token_hint=id_token, post_logout_redirect_uri=once.plan["after_logout"], state="s-1")
    assert returned(once, page) == {"state": "s-1"}
    assert not is_logged_in(once)


def test_oidcc_rp_initiated_logout_no_state(once: Suite, id_token):
    """If the logout request has no state, the redirect has none."""
    page = log_out(once, id_token_hint=id_token, post_logout_redirect_uri=once.plan["after_logout"])
    assert returned(once, page) == {}
    assert not is_logged_in(once)


def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(once: Suite, id_token):
    """An unregistered post-logout redirect URI is refused: the browser gets an error page, and is not redirected."""
    bad = f"{once.plan['after_logout']}/elsewhere"
    page = log_out(once, id_token_hint=id_token, post_logout_redirect_uri=bad, state="s")
    assert page.url.startswith(once.issuer)
    assert ERROR in page.text


def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(once: Suite, id_token):
    """A registered post-logout redirect URI is refused if a query is added to it."""
    bad = f"{once.plan['after_logout']}?foo=bar"
    page = log_out(once, id_token_hint=id_token, post_logout_redirect_uri=bad)
    assert ERROR in page.text


@pytest.mark.parametrize("hint", ["modified", "bad"])
def test_oidcc_rp_initiated_logout_id_token_hint(once: Suite, id_token, hint):
    """oidcc-rp-initiated-logout-modified-id-token-hint and -bad-id-token-hint: an error page, and no redirect."""
    head, body, signature = id_token.split(".")
    modified = f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    page = log_out(
        once,
        id_token_hint=modified if hint == "modified" else "not-a-token",
        post_logout_redirect_uri=once.plan["after_logout"],
    )
    assert page.url.startswith(once.issuer)
    assert ERROR in page.text
    assert is_logged_in(once)


def test_oidcc_rp_initiated_logout_no_id_token_hint(once: Suite, id_token):
    """Without an ID token hint, the issuer shows a question or an error. It neither redirects nor ends the session."""
    page = log_out(once, post_logout_redirect_uri=once.plan["after_logout"], state="s")
    assert page.url.startswith(once.issuer)
    assert QUESTION in page.text or ERROR in page.text
    assert is_logged_in(once)


@pytest.mark.parametrize("parameters", [{}, {"state": "s"}], ids=["no-params", "only-state"])
def test_oidcc_rp_initiated_logout_question(once: Suite, id_token, parameters):
    """oidcc-rp-initiated-logout-no-params and -only-state: the user confirms the logout and is not redirected."""
    page = log_out(once, **parameters)
    assert QUESTION in page.text
    assert is_logged_in(once)
    page = once.browser.submit(page, {}, button="log_out")
    assert DONE in page.text
    assert page.url.startswith(once.issuer)
    assert not is_logged_in(once)


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(once: Suite, id_token):
    """If the request has only an ID token hint, the session ends, and a page confirms the logout."""
    page = log_out(once, id_token_hint=id_token)
    assert DONE in page.text
    assert not is_logged_in(once)
