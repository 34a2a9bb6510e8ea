"""A login that an application wants anew: the session of before stays until there is one, and nothing else counts."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core import signing
from django.utils import timezone

from tests.tokens.conftest import CALLBACK, allow, authorization, log_in, make_client, parameters
from tokens.models import User
from tokens.oauth import login_again

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
    back = parameters({"Location": sent_to_log_in(browser, own, prompt="login")})["next"]
    log_in(browser, user)
    request, _, instant = back.rpartition("&asked_at=")
    other = {
        "another request's": f"{request.replace('state=s-1', 'state=s-2')}&asked_at={instant}",
        "no signature": f"{request}&asked_at={instant.partition(':')[0]}",
        "none": request,
    }
    assert browser.get(other[forged])["Location"].startswith("/accounts/login/?")
    assert parameters(browser.get(back))["code"]


def test_a_login_is_new_for_ten_minutes(browser, user, own):
    """An address that is kept for a later day is worth nothing."""
    then = timezone.now()
    with patch("tokens.views.authorize.timezone.now", return_value=then):
        back = parameters({"Location": sent_to_log_in(browser, own, prompt="login")})["next"]
    with patch("time.time", return_value=then.timestamp() + 5):
        log_in(browser, user)
    for minutes, seconds, renewed in ((10, 5, True), (10, 6, False)):
        later = then + timedelta(minutes=minutes, seconds=seconds)
        with patch("tokens.views.authorize.timezone.now", return_value=later):
            response = browser.get(back)
        assert response["Location"].startswith(CALLBACK) is renewed


@pytest.mark.parametrize(("behind", "counts"), [(50, True), (70, False)])
def test_the_node_that_logs_in_may_be_behind_the_one_that_asked(browser, user, own, behind, counts):
    """Within δ: the login that there was is told by its instant, and does not count however late it was."""
    back = parameters({"Location": sent_to_log_in(browser, own, prompt="login")})["next"]
    assert browser.get(back)["Location"].startswith("/accounts/login/?")
    browser.logout()
    log_in(browser, user, ago=behind)
    assert browser.get(back)["Location"].startswith(CALLBACK) is counts


def test_an_address_of_an_earlier_version_leads_to_the_login_again(browser, own):
    query = parameters({"Location": sent_to_log_in(browser, own, prompt="login")})["next"].partition("?")[2]
    bare = query.rpartition("&asked_at=")[0]
    old = signing.dumps([login_again._digest(bare), timezone.now().timestamp()], salt=login_again.SALT)
    assert browser.get(f"/oauth/authorize?{bare}&asked_at={old}")["Location"].startswith("/accounts/login/?")


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
