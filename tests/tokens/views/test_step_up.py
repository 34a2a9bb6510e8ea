"""/accounts/step-up/ redirects to exactly the page on which the user can use the missing factor."""

from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from tests.tokens.factories import log_in, make_user
from tokens.authentication_class import MULTI_FACTOR, PASSWORD, PHISHING_RESISTANT

pytestmark = pytest.mark.usefixtures("signer")
BACK = "/oauth/authorize?continue=6b0be8be3af5bec2"


@pytest.fixture
def ada(client, db):
    made = make_user()
    log_in(client, made)
    return made


def give(user, kind):
    if kind == "totp":
        TOTP.activate(user, generate_totp_secret())
    else:
        Authenticator.objects.create(user=user, type=kind, data={})


def request_step_up(browser, needed, back=BACK):
    return browser.get(f"/accounts/step-up/?{urlencode({'class': needed, 'next': back})}")


PAGES = {
    (MULTI_FACTOR, "totp"): "/accounts/2fa/reauthenticate/",
    (MULTI_FACTOR, "webauthn"): "/accounts/2fa/webauthn/reauthenticate/",
    (PHISHING_RESISTANT, "webauthn"): "/accounts/2fa/webauthn/reauthenticate/",
}


@pytest.mark.parametrize(("needed", "kind"), PAGES)
def test_a_user_is_asked_for_the_factor_that_is_missing(client, ada, needed, kind):
    give(ada, kind)
    assert request_step_up(client, needed)["Location"] == f"{PAGES[needed, kind]}?{urlencode({'next': BACK})}"


@pytest.mark.parametrize(("needed", "kind"), [(MULTI_FACTOR, None), (PHISHING_RESISTANT, "totp")])
def test_a_user_without_a_suitable_factor_sets_one_up_and_then_returns(client, ada, needed, kind):
    if kind:
        give(ada, kind)
    page = request_step_up(client, needed)
    assert page.status_code == 200
    assert ("/accounts/2fa/totp/activate/" in page.content.decode()) == (needed == MULTI_FACTOR)
    assert BACK in client.get("/accounts/2fa/").content.decode(), "the page of the factors leads back"


def test_a_user_whose_login_suffices_returns_at_once(client, ada):
    assert request_step_up(client, PASSWORD)["Location"] == BACK


@pytest.mark.parametrize(("back", "quoted"), [("/a\nb", "/a%0Ab"), ("/a\r\nX: y", "/a%0D%0AX:%20y"), ("/ü", "/%C3%BC")])
def test_an_address_that_no_header_may_contain_is_quoted(client, ada, back, quoted):
    answer = request_step_up(client, PASSWORD, back)
    assert (answer.status_code, answer["Location"]) == (302, quoted)


def test_an_unknown_class_is_that_of_two_factors(client, ada):
    give(ada, "totp")
    assert request_step_up(client, "urn:example:gold")["Location"].startswith("/accounts/2fa/reauthenticate/")


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "http://[", "javascript:alert(1)"])
def test_no_step_leads_to_another_site(client, ada, target):
    assert request_step_up(client, PASSWORD, target)["Location"] == "/accounts/"
    request_step_up(client, MULTI_FACTOR, target)
    assert "evil" not in client.get("/accounts/2fa/").content.decode()


def test_a_visitor_logs_in_first(client):
    assert request_step_up(client, MULTI_FACTOR)["Location"].startswith(
        "/accounts/login/?next=%2Faccounts%2Fstep-up%2F"
    )
