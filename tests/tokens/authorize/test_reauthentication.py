"""Authorization requests that require a new login.

Only a login that was made for the request counts. Until then, the existing session is unchanged.
"""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.factories import CALLBACK, allow, authorization, log_in, make_client, parameters, stored_query
from tokens.models import User

pytestmark = pytest.mark.django_db

REQUIRED = [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}, {"max_age": "600"}]
PASSWORD = "correct horse"


@pytest.fixture
def browser(client, user):
    """Return a browser whose user logged in an hour ago."""
    log_in(client, user, ago=3600)
    return client


@pytest.fixture
def own(apis):
    """Return the issuer's own client.

    Users are not asked for consent for it, so a login leads from the request to the code.
    """
    return make_client("own", "authorization_code", skip_authorization=True)


def logged_in(browser):
    return browser.session.get("_auth_user_id")


def login_address(browser, client, **changes):
    """Send an authorization request that requires a new login. Return the address of the login page.

    `changes` are the parameters that require the new login.
    """
    response = browser.get("/oauth/authorize", authorization(client, **changes))
    assert response["Location"].startswith("/accounts/login/?"), response["Location"]
    return response["Location"]


def submit(browser, page, name="ada", password=PASSWORD):
    return browser.post(page, {"login": name, "password": password})


@pytest.mark.parametrize("changes", REQUIRED, ids=str)
def test_a_logged_in_user_gets_the_login_page_and_a_new_login_gives_a_code(browser, user, own, changes):
    page = login_address(browser, own, **changes)
    before = browser.session.session_key
    assert browser.get(page).status_code == 200
    assert browser.session.session_key == before
    back = submit(browser, page)["Location"]
    assert browser.session.session_key != before
    assert parameters(browser.get(back))["code"]


@pytest.mark.parametrize("changes", REQUIRED, ids=str)
def test_the_address_without_a_new_login_leads_to_the_login_again(browser, own, changes):
    """A user who has not logged in again is sent back to the login page.

    The user opens the address at which the request continues after the login.
    """
    back = parameters({"Location": login_address(browser, own, **changes)})["next"]
    assert browser.get(back)["Location"].startswith("/accounts/login/?")


def test_a_login_just_before_the_request_is_no_new_login(client, user, own):
    """A login before the request does not count as a new login, even if it was made a moment before.

    It lacks the signed mark that ties a login to this request. How old the login is makes no difference.
    """
    log_in(client, user)
    back = parameters({"Location": login_address(client, own, prompt="login")})["next"]
    assert client.get(back)["Location"].startswith("/accounts/login/?")


@pytest.mark.parametrize("abandoned", ["at once", "after a wrong password"])
def test_an_abandoned_login_does_not_change_the_session(browser, user, own, abandoned):
    page = login_address(browser, own, prompt="login")
    before = dict(browser.session)
    browser.get(page)
    if abandoned == "after a wrong password":
        assert submit(browser, page, password="wrong").status_code == 200
    assert dict(browser.session) == before
    assert logged_in(browser) == str(user.pk)
    assert parameters(browser.get("/oauth/authorize", authorization(own)))["code"]


def test_another_user_can_log_in_and_inherits_nothing_from_the_session(browser, own, caplog):
    """If another user logs in, Django deletes all data that the session has from the earlier user."""
    caplog.set_level("INFO", "tokens.audit")
    eve = User.objects.create_user("eve", password=PASSWORD)
    session = browser.session
    session["left"] = "by ada"
    session.save()
    back = submit(browser, login_address(browser, own, prompt="select_account"), "eve")["Location"]
    assert (logged_in(browser), browser.session.get("left")) == (str(eve.pk), None)
    assert parameters(browser.get(back))["code"]
    assert '"user.logged_out", "actor": "user:ada"' in caplog.text


def test_a_logged_in_user_who_needs_no_new_login_is_redirected_past_the_login_page(browser, user):
    for target in ("/accounts/", "/oauth/authorize?client_id=x&asked_at=forged"):
        assert browser.get("/accounts/login/", {"next": target}).status_code == 302
    assert logged_in(browser) == str(user.pk)


@pytest.mark.parametrize("forged", ["another request's", "no signature", "none"])
def test_a_forged_mark_is_no_new_login(browser, user, own, forged):
    back = submit(browser, login_address(browser, own, prompt="login"))["Location"]
    request, _, mark = f"/oauth/authorize?{stored_query(browser, back)}".rpartition("&asked_at=")
    assert mark
    other = {
        "another request's": f"{request.replace('state=s-1', 'state=s-2')}&asked_at={mark}",
        "no signature": f"{request}&asked_at={mark.partition(':')[0]}",
        "none": request,
    }
    assert browser.get(other[forged])["Location"].startswith("/accounts/login/?")
    assert parameters(browser.get(back))["code"]


@pytest.mark.parametrize(
    ("seconds", "renewed"),
    [(-1, True), (60, False)],  # a busy machine takes a while to log in
)
def test_a_login_is_new_for_ten_minutes(browser, user, own, signer, seconds, renewed, at):
    """After a new login, the user has ten minutes to open the address at which the request continues.

    If the address is opened later, the issuer requires a new login again.
    """
    then = timezone.now()
    page = login_address(browser, own, prompt="login")
    with patch("time.time", return_value=then.timestamp()):
        back = submit(browser, page)["Location"]
    later = then + timedelta(minutes=10, seconds=seconds)
    with at(later):
        response = browser.get(back)
    assert response["Location"].startswith(CALLBACK) is renewed


@pytest.mark.parametrize("behind", [50, 500])
def test_the_clock_of_the_node_that_logs_in_can_be_behind(browser, user, own, behind):
    """The login has the signed mark of its request, and the database's clock dates it, not the node's clock."""
    page = login_address(browser, own, prompt="login")
    with patch("time.time", return_value=timezone.now().timestamp() - behind):
        back = submit(browser, page)["Location"]
    assert browser.get(back)["Location"].startswith(CALLBACK)


@pytest.mark.parametrize("ago", [0, 5, 3600])
@pytest.mark.parametrize("changes", REQUIRED, ids=str)
def test_an_earlier_login_does_not_fit_an_address_from_another_browser(client, user, own, ago, changes):
    """A request of browser A that requires a new login is not satisfied by an earlier login in browser B.

    1. The issuer stores A's request, and gives A an address at which the request continues after the login. B gets 400
       at this address.
    2. B sends the stored request, with its signed mark, to the authorization endpoint. B's user has to log in again.

    Exception: if the request has `max_age` and B's login is recent enough, B's user does not have to log in again.
    """
    other = Browser()
    handle = parameters({"Location": login_address(other, own, **changes)})["next"]
    back = f"/oauth/authorize?{stored_query(other, handle)}"
    log_in(client, user, ago=ago)
    assert client.get(handle).status_code == 400
    if changes == {"max_age": "600"} and ago < 600:
        assert client.get(back)["Location"].startswith(CALLBACK), "it is new enough by itself"
    else:
        assert client.get(back)["Location"].startswith("/accounts/login/?")


def test_a_login_for_another_request_is_no_new_login(browser, own):
    first = parameters({"Location": login_address(browser, own, prompt="login")})["next"]
    second = submit(browser, login_address(browser, own, prompt="login", state="s-2"))["Location"]
    assert browser.get(first)["Location"].startswith("/accounts/login/?")
    assert parameters(browser.get(second))["code"]


def test_the_consent_page_follows_the_new_login(browser, user, webapp):
    back = submit(browser, login_address(browser, webapp, prompt="login consent"))["Location"]
    page = browser.get(back)
    assert page.status_code == 200
    answered = browser.post(back, {"shown": page.context["form"].initial["shown"], "allow": "true"})
    assert parameters(answered)["code"]


def test_prompt_none_does_not_change_the_session(browser, user, own):
    silent = authorization(own, prompt="none", max_age="600")
    assert parameters(browser.get("/oauth/authorize", silent))["error"] == "login_required"
    assert logged_in(browser) == str(user.pk)


def test_an_hour_old_login_suffices_if_the_client_requires_no_new_login(browser, own):
    assert parameters(allow(browser, authorization(own)))["code"]
