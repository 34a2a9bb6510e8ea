"""A login that an application wants anew: the session of before stays until there is one, and nothing else counts."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.factories import CALLBACK, allow, authorization, kept, log_in, make_client, parameters
from tokens.models import User

pytestmark = pytest.mark.django_db

WANTED = [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}, {"max_age": "600"}]
PASSWORD = "correct horse"


@pytest.fixture
def browser(client, user):
    """Logged in an hour ago."""
    log_in(client, user, ago=3600)
    return client


@pytest.fixture
def own(apis):
    """The issuer's own client: nobody is asked, so that nothing but the login stands between request and code."""
    return make_client("own", "authorization_code", skip_authorization=True)


def logged_in(browser):
    return browser.session.get("_auth_user_id")


def sent_to_log_in(browser, client, **changes):
    """The address of the login page."""
    response = browser.get("/oauth/authorize", authorization(client, **changes))
    assert response["Location"].startswith("/accounts/login/?"), response["Location"]
    return response["Location"]


def submit(browser, page, name="ada", password=PASSWORD):
    return browser.post(page, {"login": name, "password": password})


@pytest.mark.parametrize("changes", WANTED, ids=str)
def test_the_login_page_is_served_and_a_new_login_leads_to_the_code(browser, user, own, changes):
    page = sent_to_log_in(browser, own, **changes)
    before = browser.session.session_key
    assert browser.get(page).status_code == 200
    assert browser.session.session_key == before
    back = submit(browser, page)["Location"]
    assert browser.session.session_key != before
    assert parameters(browser.get(back))["code"]


@pytest.mark.parametrize("changes", WANTED, ids=str)
def test_to_follow_the_address_without_a_login_leads_to_the_login_again(browser, own, changes):
    """The parameter is in the address, where the user may go by themselves."""
    back = parameters({"Location": sent_to_log_in(browser, own, **changes)})["next"]
    assert browser.get(back)["Location"].startswith("/accounts/login/?")


def test_a_login_of_this_moment_is_not_a_new_one_either(client, user, own):
    """Instants are compared to the microsecond: within a second of a login, another one is wanted as well."""
    log_in(client, user)
    back = parameters({"Location": sent_to_log_in(client, own, prompt="login")})["next"]
    assert client.get(back)["Location"].startswith("/accounts/login/?")


@pytest.mark.parametrize("abandoned", ["at once", "after a wrong password"])
def test_a_login_that_is_abandoned_leaves_the_session_as_it_was(browser, user, own, abandoned):
    page = sent_to_log_in(browser, own, prompt="login")
    before = dict(browser.session)
    browser.get(page)
    if abandoned == "after a wrong password":
        assert submit(browser, page, password="wrong").status_code == 200
    assert dict(browser.session) == before
    assert logged_in(browser) == str(user.pk)
    assert parameters(browser.get("/oauth/authorize", authorization(own)))["code"]


def test_somebody_else_may_log_in_and_takes_nothing_over(browser, own, caplog):
    """Django empties another user's session, which would take the new login's record with it."""
    caplog.set_level("INFO", "tokens.audit")
    eve = User.objects.create_user("eve", password=PASSWORD)
    session = browser.session
    session["left"] = "by ada"
    session.save()
    back = submit(browser, sent_to_log_in(browser, own, prompt="select_account"), "eve")["Location"]
    assert (logged_in(browser), browser.session.get("left")) == (str(eve.pk), None)
    assert parameters(browser.get(back))["code"]
    assert '"user.logged_out", "actor": "user:ada"' in caplog.text


def test_whoever_is_logged_in_and_not_asked_to_log_in_anew_is_sent_on(browser, user):
    for target in ("/accounts/", "/oauth/authorize?client_id=x&asked_at=forged"):
        assert browser.get("/accounts/login/", {"next": target}).status_code == 302
    assert logged_in(browser) == str(user.pk)


@pytest.mark.parametrize("forged", ["another request's", "no signature", "none"])
def test_the_instant_belongs_to_one_request_and_is_signed(browser, user, own, forged):
    back = submit(browser, sent_to_log_in(browser, own, prompt="login"))["Location"]
    request, _, instant = f"/oauth/authorize?{kept(browser, back)}".rpartition("&asked_at=")
    assert instant
    other = {
        "another request's": f"{request.replace('state=s-1', 'state=s-2')}&asked_at={instant}",
        "no signature": f"{request}&asked_at={instant.partition(':')[0]}",
        "none": request,
    }
    assert browser.get(other[forged])["Location"].startswith("/accounts/login/?")
    assert parameters(browser.get(back))["code"]


@pytest.mark.parametrize(
    ("seconds", "renewed"),
    [(-1, True), (60, False)],  # a busy machine takes a while to log in
)
def test_a_login_is_new_for_ten_minutes(browser, user, own, signer, seconds, renewed, at):
    """An address that is kept for a later day is worth nothing."""
    then = timezone.now()
    page = sent_to_log_in(browser, own, prompt="login")
    with patch("time.time", return_value=then.timestamp()):
        back = submit(browser, page)["Location"]
    later = then + timedelta(minutes=10, seconds=seconds)
    with at(later):
        response = browser.get(back)
    assert response["Location"].startswith(CALLBACK) is renewed


@pytest.mark.parametrize("behind", [50, 500])
def test_the_node_that_logs_in_may_be_behind_the_one_that_asked(browser, user, own, behind):
    """The login keeps what it was made for: no clocks are compared."""
    page = sent_to_log_in(browser, own, prompt="login")
    with patch("time.time", return_value=timezone.now().timestamp() - behind):
        back = submit(browser, page)["Location"]
    assert browser.get(back)["Location"].startswith(CALLBACK)


@pytest.mark.parametrize("ago", [0, 5, 3600])
@pytest.mark.parametrize("changes", WANTED, ids=str)
def test_a_login_of_before_is_none_for_an_address_that_somebody_else_was_given(client, user, own, ago, changes):
    """Neither does its handle open anything here, nor would the request, with its instant, stand for a login."""
    other = Browser()
    handle = parameters({"Location": sent_to_log_in(other, own, **changes)})["next"]
    back = f"/oauth/authorize?{kept(other, handle)}"
    log_in(client, user, ago=ago)
    assert client.get(handle).status_code == 400
    if changes == {"max_age": "600"} and ago < 600:
        assert client.get(back)["Location"].startswith(CALLBACK), "it is new enough by itself"
    else:
        assert client.get(back)["Location"].startswith("/accounts/login/?")


def test_a_login_for_another_request_is_none_for_this_one(browser, own):
    first = parameters({"Location": sent_to_log_in(browser, own, prompt="login")})["next"]
    second = submit(browser, sent_to_log_in(browser, own, prompt="login", state="s-2"))["Location"]
    assert browser.get(first)["Location"].startswith("/accounts/login/?")
    assert parameters(browser.get(second))["code"]


def test_the_page_of_consent_stands_after_the_new_login(browser, user, webapp):
    back = submit(browser, sent_to_log_in(browser, webapp, prompt="login consent"))["Location"]
    page = browser.get(back)
    assert page.status_code == 200
    answered = browser.post(back, {"shown": page.context["form"].initial["shown"], "allow": "true"})
    assert parameters(answered)["code"]


def test_prompt_none_keeps_the_session(browser, user, own):
    silent = authorization(own, prompt="none", max_age="600")
    assert parameters(browser.get("/oauth/authorize", silent))["error"] == "login_required"
    assert logged_in(browser) == str(user.pk)


def test_an_hour_old_login_is_fine_where_no_new_one_is_wanted(browser, own):
    assert parameters(allow(browser, authorization(own)))["code"]
