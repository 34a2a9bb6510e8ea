"""A popup in which the user logs in stays connected to the page that opened it.

Pages that no client opens keep Django's default Cross-Origin-Opener-Policy.
"""

import pytest

from tests.tokens.factories import allow, authorization, log_in, parameters

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

PASSWORD = "correct horse"


def policy(response):
    return response["Cross-Origin-Opener-Policy"]


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_every_answer_on_the_way_through_the_login_keeps_the_popup_connected(client, user, webapp, mode):
    """A single answer with another Cross-Origin-Opener-Policy, even a redirect, disconnects the popup permanently."""
    steps = [client.get("/oauth/authorize", authorization(webapp, response_mode=mode))]
    page, back = steps[0]["Location"], parameters(steps[0])["next"]
    steps.append(client.get(page))
    steps.append(client.post("/accounts/login/", {"login": "ada", "password": "wrong", "next": back}))
    steps.append(client.post("/accounts/login/", {"login": "ada", "password": PASSWORD, "next": back}))
    assert steps[-1]["Location"] == back
    consent = client.get(back)
    answer = {"shown": consent.context["form"].initial["shown"], "allow": "true"}
    steps += [consent, client.post(back, answer)]
    assert [step.status_code for step in steps] == [302, 200, 200, 302, 200, 303 if mode == "query" else 200]
    assert {policy(step) for step in steps} == {"unsafe-none"}


@pytest.mark.parametrize("changes", [{"client_id": "nobody"}, {"scope": "unknown"}], ids=str)
@pytest.mark.parametrize("logged_in", [True, False])
def test_an_error_keeps_the_popup_connected(client, user, webapp, changes, logged_in):
    if logged_in:
        log_in(client, user)
    assert policy(client.get("/oauth/authorize", authorization(webapp, **changes))) == "unsafe-none"


def test_a_refusal_keeps_the_popup_connected(client, user, webapp):
    log_in(client, user)
    assert policy(allow(client, authorization(webapp), answer="false")) == "unsafe-none"


@pytest.mark.parametrize("path", ["/oauth/logout", "/accounts/logout/", "/oauth/device/verify"])
def test_the_logout_and_device_pages_keep_the_popup_connected(client, user, path):
    log_in(client, user)
    assert policy(client.get(path)) == "unsafe-none"


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/everywhere/", "/admin/login/", "/.well-known/jwks.json"])
def test_other_pages_and_documents_keep_the_default(client, user, path):
    log_in(client, user)
    assert policy(client.get(path)) == "same-origin"
