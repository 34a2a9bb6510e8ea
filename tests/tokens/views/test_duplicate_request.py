"""The consent form or login form of one authorization request is sent twice, as by a double click on "Allow".

The browser shows only the response to the second form. So the issuer processes the second form like the first, if it
arrives within ten seconds after the first was answered. If it arrives later, the browser gets a page with links.
"""

import re
from datetime import timedelta
from html import unescape
from unittest.mock import patch

import pytest
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.test import RequestFactory
from django.utils import timezone

from tests.tokens.factories import CALLBACK, authorization, log_in, make_client, parameters, redeem
from tests.tokens.pages import assert_page
from tokens.authorize import authorization_code, display_proof
from tokens.authorize.request_row import AlreadyAnswered
from tokens.models import AuthorizationCode, Client, Consent, UserGrant
from tokens.views import duplicate_request

pytestmark = pytest.mark.django_db
FORM = {"login": "ada", "password": "correct horse"}


@pytest.fixture
def own(apis):
    """Return the issuer's own client. Users are not asked for consent for it."""
    return make_client("own", "authorization_code", skip_authorization=True)


def waiting(browser, client, **changes):
    """Send an authorization request that waits for the login, and log in.

    Return the address at which the request continues. `changes` replace parameters of the request.
    """
    page = browser.get("/oauth/authorize", authorization(client, **changes))["Location"]
    assert browser.post(page, FORM).status_code == 302
    return parameters({"Location": page})["next"]


def form(page, allow="true"):
    return {"shown": page.context["form"].initial["shown"], "allow": allow}


def links(answer):
    assert_page(answer, 410)
    text = answer.content.decode()
    assert "This request was already answered" in text
    return {label: unescape(to) for to, label in re.findall(r'<a href="([^"]*)">([^<]*)</a>', text)}


@pytest.fixture
def wait(at):
    """Stop the clock. Return a function that sets the clock to a number of seconds after the start of the test."""
    start = timezone.now()

    def wait(seconds):
        at(start + timedelta(seconds=seconds))

    wait(0)
    return wait


def test_a_client_logs_its_user_in_with_the_code_of_a_second_click(client, user, webapp, signer, wait):
    back = waiting(client, webapp)
    answer = form(client.get(back))
    first = client.post(back, answer)
    wait(9.5)
    second = client.post(back, answer)
    assert [first.status_code, second.status_code] == [303, 303]
    codes = [parameters(click)["code"] for click in (first, second)]
    assert codes[0] != codes[1]
    assert parameters(second)["state"] == "s-1"
    assert redeem(client, webapp, codes[1]).status_code == 200
    assert redeem(client, webapp, codes[0]).status_code == 200, "the codes do not depend on each other"


def test_ten_seconds_after_the_first_answer_the_handle_leads_to_the_page(client, user, webapp, wait):
    back = waiting(client, webapp)
    answer = form(client.get(back))
    for seconds in (0, 6):  # the second answer gives no further ten seconds
        wait(seconds)
        assert parameters(client.post(back, answer))["code"]
    wait(10.5)
    expected = {f"Go to {webapp.name}": "https://client.example/", "Your account": "/accounts/"}
    assert links(client.post(back, answer)) == expected
    assert links(client.post(back, answer | {"allow": "false"})) == expected
    assert links(client.get(back)) == expected
    assert UserGrant.objects.count() == 2


@pytest.mark.parametrize("clicks", [["false", "false"], ["true", "false"], ["false", "true"]], ids=" then ".join)
def test_each_click_gets_the_answer_to_its_own_button(client, user, webapp, wait, clicks):
    back = waiting(client, webapp)
    page = client.get(back)
    for allow in clicks:
        answer = parameters(client.post(back, form(page, allow)))
        assert ("code" in answer) is (allow == "true")
        assert answer.get("error") == (None if allow == "true" else "access_denied")
    wait(10.5)
    links(client.post(back, form(page)))
    assert UserGrant.objects.count() == clicks.count("true")


def test_another_browser_gets_nothing_in_the_ten_seconds_either(client, user, webapp, wait):
    back = waiting(client, webapp)
    answer = form(client.get(back))
    assert parameters(client.post(back, answer))["code"]
    log_in(other := Browser(), user)
    assert [other.get(back).status_code, other.post(back, answer).status_code] == [400, 400]
    assert AuthorizationCode.objects.count() == 1


def test_a_user_who_logged_out_answers_nothing_in_the_ten_seconds(client, user, webapp, wait):
    back = waiting(client, webapp)
    answer = form(client.get(back))
    assert parameters(client.post(back, answer))["code"]
    client.post("/accounts/logout/")
    assert client.post(back, answer)["Location"] == back
    assert client.get(back)["Location"].startswith("/accounts/login/")
    assert AuthorizationCode.objects.count() == 1


def test_a_login_form_that_is_sent_twice_ends_at_the_client_too(client, user, own, wait):
    back = waiting(client, own)
    assert parameters(client.get(back))["code"] != parameters(client.get(back))["code"]
    wait(10.5)
    links(client.get(back))
    assert AuthorizationCode.objects.count() == 2


def test_an_error_that_the_client_got_ends_the_handle_too(client, user, own, wait):
    back = waiting(client, own)
    Client.objects.filter(pk=own.pk).update(grants=["client_credentials"])  # the request becomes invalid
    for seconds in (0, 9.5):
        wait(seconds)
        assert parameters(client.get(back))["error"] == "unauthorized_client"
    wait(10.5)
    assert list(links(client.get(back))) == [f"Go to {own.name}", "Your account"]


def test_a_row_that_the_previous_release_answered_is_over_at_once(client, user, webapp):
    back = waiting(client, webapp)
    answer = form(client.get(back))
    row = Session.objects.exclude(pk=client.session.session_key).get()
    row.session_data = Session.objects.encode({"authorization_answered": [webapp.client_id, CALLBACK]})
    row.save()
    links(client.post(back, answer))
    assert not AuthorizationCode.objects.exists()


def test_a_page_that_was_displayed_but_not_answered_does_not_end_the_handle(client, user, webapp):
    back = waiting(client, webapp)
    for _ in range(2):
        page = client.get(back)
        assert page.status_code == 200
        assert client.post(back, {"shown": "old", "allow": "true"})["Location"] == back
    client.post("/accounts/logout/")
    assert client.get(back)["Location"].startswith("/accounts/login/")
    assert client.post(f"/accounts/login/?next={back}", FORM)["Location"] == back
    assert parameters(client.post(back, form(client.get(back))))["code"]


def test_another_request_of_the_same_client_in_another_tab_continues(client, user, webapp, wait):
    first = waiting(client, webapp, state="1")
    second = parameters(client.get("/oauth/authorize", authorization(webapp, state="2", prompt="login")))["next"]
    assert client.post(f"/accounts/login/?next={second}", FORM)["Location"] == second
    assert parameters(client.post(second, form(client.get(second))))["state"] == "2"
    wait(10.5)
    links(client.get(second))
    assert parameters(client.get(first))["state"] == "1", "the user is not asked again"
    wait(21)
    links(client.get(first))


@pytest.mark.parametrize(
    ("redirect_uri", "home"),
    [
        ("https://client.example:8443/callback?x=y", "https://client.example:8443/"),
        ("http://localhost:8080/callback", "http://localhost:8080/"),
        ("http://127.0.0.1/callback", ""),
        ("com.example.app://localhost/callback", ""),
        ("com.example.app:/callback", ""),
    ],
)
def test_the_page_links_to_a_site_and_not_to_an_application_on_the_device(webapp, redirect_uri, home):
    answered = AlreadyAnswered(webapp.client_id, redirect_uri)
    page = duplicate_request.page(RequestFactory().get("/oauth/authorize"), answered)
    assert links(page).get(f"Go to {webapp.name}", "") == home


def race(browser, address, answer, wait, *, seconds):
    """Post the answer to the consent page twice, and return both responses.

    The second post is handled completely while the first one is being handled. Before the first one continues, the
    function `wait` sets the clock to `seconds` after the start of the test.
    """
    proves_display, inner = display_proof.is_valid, []

    def after_the_other_tab(*arguments, **options):
        if not inner:
            inner.append(None)
            inner.append(browser.post(address, answer))
            wait(seconds)
        return proves_display(*arguments, **options)

    with patch.object(display_proof, "is_valid", after_the_other_tab):
        outer = browser.post(address, answer)
    return outer, inner[1]


def test_two_tabs_that_answer_at_once_get_a_code_each(client, user, webapp, wait):
    """tests/services/test_answered_requests.py does the same with threads and PostgreSQL."""
    back = waiting(client, webapp)
    answers = race(client, back, form(client.get(back)), wait, seconds=1)
    assert len({parameters(answer)["code"] for answer in answers}) == 2
    assert (AuthorizationCode.objects.count(), UserGrant.objects.count(), Consent.objects.count()) == (2, 2, 1)


def test_a_tab_that_is_overtaken_for_more_than_ten_seconds_undoes_its_code(client, user, webapp, wait):
    back = waiting(client, webapp)
    late, first = race(client, back, form(client.get(back)), wait, seconds=10.5)
    assert parameters(first)["code"]
    links(late)
    assert (AuthorizationCode.objects.count(), UserGrant.objects.count(), Consent.objects.count()) == (1, 1, 1)


def test_an_answer_gets_no_code_if_the_row_was_deleted(client, user, webapp):
    back = waiting(client, webapp)
    answer, create = form(client.get(back)), authorization_code.create

    def create_late(*arguments, **options):
        Session.objects.exclude(pk=client.session.session_key).delete()
        return create(*arguments, **options)

    with patch.object(authorization_code, "create", create_late):
        late = client.post(back, answer)
    assert late.status_code == 400
    assert not AuthorizationCode.objects.exists()


def test_an_answer_whose_transaction_failed_does_not_end_the_handle(client, user, webapp):
    back = waiting(client, webapp)
    answer = form(client.get(back))
    with (
        patch("tokens.authorize.authorization_code.create", side_effect=RuntimeError),
        pytest.raises(RuntimeError),
    ):
        client.post(back, answer)
    assert parameters(client.post(back, answer))["code"]


@pytest.mark.parametrize(
    ("callback", "home"),
    [
        ("https://client.example:8443/a/callback?x=1", "https://client.example:8443/"),
        ("http://localhost:8002/callback", "http://localhost:8002/"),
        ("http://127.0.0.1:9999/callback", None),
        ("com.example.app:/callback", None),
    ],
)
def test_the_page_links_to_sites_and_not_to_programs_on_the_device(client, user, apis, wait, callback, home):
    native = make_client("native", "authorization_code", public=True)
    Client.objects.filter(pk=native.pk).update(redirect_uris=callback)
    back = waiting(client, native, redirect_uri=callback)
    client.post(back, form(client.get(back)))
    wait(10.5)
    expected = links(client.get(back))
    assert expected.pop("Your account")
    assert expected == ({f"Go to {native.name}": home} if home else {})


def test_the_page_needs_no_login_and_no_client_and_opens_in_no_other_browser(client, user, own, wait):
    back = waiting(client, own)
    client.get(back)
    wait(10.5)
    client.post("/accounts/logout/")
    assert len(links(client.get(back))) == 2
    Client.objects.all().delete()
    assert list(links(client.get(back))) == ["Your account"]
    log_in(other := Browser(), user)
    assert other.get(back).status_code == 400


def test_a_request_with_a_full_address_can_be_answered_at_any_time(client, user, own):
    log_in(client, user)
    for _ in range(2):
        assert parameters(client.get("/oauth/authorize", authorization(own)))["code"]
