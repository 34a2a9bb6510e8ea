"""A handle ends when its client got its answer; whoever comes back to it is led on, and other handles go on."""

import re
from html import unescape
from unittest.mock import patch

import pytest
from django.contrib.sessions.models import Session
from django.test import Client as Browser

from tests.tokens.factories import CALLBACK, authorization, kept, log_in, make_client, parameters
from tests.tokens.pages import told
from tokens.authorize import authorization_code, consent
from tokens.models import AuthorizationCode, Client, Consent, UserGrant

pytestmark = pytest.mark.django_db
FORM = {"login": "ada", "password": "correct horse"}


@pytest.fixture
def own(apis):
    """The issuer's own client, for which no user is asked."""
    return make_client("own", "authorization_code", skip_authorization=True)


def waiting(browser, client, **changes):
    """Send a request that waits for the login, log in, and return the address that continues with it."""
    page = browser.get("/oauth/authorize", authorization(client, **changes))["Location"]
    assert browser.post(page, FORM).status_code == 302
    return parameters({"Location": page})["next"]


def form(page, allow="true"):
    return {"shown": page.context["form"].initial["shown"], "allow": allow}


def links(answer):
    told(answer, 410)
    text = answer.content.decode()
    assert "This request was already answered" in text
    return {label: unescape(to) for to, label in re.findall(r'<a href="([^"]*)">([^<]*)</a>', text)}


@pytest.mark.parametrize("allow", ["true", "false"])
def test_an_answer_is_given_once_and_its_handle_leads_on_afterwards(client, user, webapp, allow):
    back = waiting(client, webapp)
    answer = form(client.get(back), allow)
    first = client.post(back, answer)
    assert (first.status_code, first["Location"].startswith(f"{CALLBACK}?")) == (303, True)
    grants = UserGrant.objects.count()
    ways = {f"Go to {webapp.name}": "https://client.example/", "Your account": "/accounts/"}
    assert links(client.post(back, answer)) == ways
    assert links(client.post(back, answer | {"allow": "true"})) == ways
    assert links(client.get(back)) == ways
    assert UserGrant.objects.count() == grants == (allow == "true")
    assert kept(client, back) is None


def test_no_code_without_a_question_is_given_twice_either(client, user, own):
    back = waiting(client, own)
    assert parameters(client.get(back))["code"]
    links(client.get(back))
    assert AuthorizationCode.objects.count() == 1


def test_an_error_that_the_client_got_ends_the_handle_too(client, user, own):
    back = waiting(client, own, scope="unknown")
    assert parameters(client.get(back))["error"] == "invalid_scope"
    assert list(links(client.get(back))) == [f"Go to {own.name}", "Your account"]


def test_what_is_shown_but_not_answered_does_not_end_it(client, user, webapp):
    back = waiting(client, webapp)
    for _ in range(2):
        page = client.get(back)
        assert page.status_code == 200
        assert client.post(back, {"shown": "old", "allow": "true"})["Location"] == back
    client.post("/accounts/logout/")
    assert client.get(back)["Location"].startswith("/accounts/login/")
    assert client.post(f"/accounts/login/?next={back}", FORM)["Location"] == back
    assert parameters(client.post(back, form(client.get(back))))["code"]


def test_another_request_of_the_same_client_in_another_tab_goes_on(client, user, webapp):
    first = waiting(client, webapp, state="1")
    second = parameters(client.get("/oauth/authorize", authorization(webapp, state="2", prompt="login")))["next"]
    assert client.post(f"/accounts/login/?next={second}", FORM)["Location"] == second
    assert parameters(client.post(second, form(client.get(second))))["state"] == "2"
    links(client.get(second))
    assert parameters(client.get(first))["state"] == "1", "and nothing is asked again"
    links(client.get(first))


def test_of_two_tabs_that_answer_at_once_one_gets_a_code_and_the_other_undoes_its_own(client, user, webapp):
    """With threads and PostgreSQL: tests/services/test_answered_requests.py."""
    back = waiting(client, webapp)
    answer, was_shown, inner = form(client.get(back)), consent.was_shown, []

    def after_the_other_tab(*arguments, **options):
        if not inner:
            inner.append(None)
            inner.append(client.post(back, answer))
        return was_shown(*arguments, **options)

    with patch.object(consent, "was_shown", after_the_other_tab):
        outer = client.post(back, answer)
    assert parameters(inner[1])["code"]
    links(outer)
    assert (AuthorizationCode.objects.count(), UserGrant.objects.count(), Consent.objects.count()) == (1, 1, 1)


def test_the_row_is_gone_when_the_answer_comes(client, user, webapp):
    back = waiting(client, webapp)
    answer, create = form(client.get(back)), authorization_code.create

    def create_late(*arguments, **options):
        Session.objects.exclude(pk=client.session.session_key).delete()
        return create(*arguments, **options)

    with patch.object(authorization_code, "create", create_late):
        late = client.post(back, answer)
    assert late.status_code == 400
    assert not AuthorizationCode.objects.exists()


def test_an_answer_that_was_undone_leaves_the_handle(client, user, webapp):
    back = waiting(client, webapp)
    answer = form(client.get(back))
    with (
        patch("tokens.views.authorize.authorization_code.create", side_effect=RuntimeError),
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
def test_the_page_leads_to_sites_and_not_to_programs_on_the_device(client, user, apis, callback, home):
    native = make_client("native", "authorization_code", public=True)
    Client.objects.filter(pk=native.pk).update(redirect_uris=callback)
    back = waiting(client, native, redirect_uri=callback)
    client.post(back, form(client.get(back)))
    ways = links(client.get(back))
    assert ways.pop("Your account")
    assert ways == ({f"Go to {native.name}": home} if home else {})


def test_the_page_needs_neither_a_login_nor_the_client_and_is_nobody_else_s(client, user, own):
    back = waiting(client, own)
    client.get(back)
    client.post("/accounts/logout/")
    assert len(links(client.get(back))) == 2
    Client.objects.all().delete()
    assert list(links(client.get(back))) == ["Your account"]
    log_in(other := Browser(), user)
    assert other.get(back).status_code == 400


def test_a_request_with_a_full_address_is_not_ended(client, user, own):
    log_in(client, user)
    for _ in range(2):
        assert parameters(client.get("/oauth/authorize", authorization(own)))["code"]
