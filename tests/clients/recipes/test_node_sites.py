"""Documentation pages about websites on node. The code block of each page is an Express application."""

import json

import pytest

from tests import marks
from tests.clients.recipes import sites
from tests.clients.recipes.stack import USER

pytestmark = [*marks.clients]


@pytest.mark.parametrize("page", ["authjs"], indirect=True)
def test_a_site_with_auth_js_logs_its_user_in_refreshes_and_logs_the_user_out(
    page, client, keyturn, app, ada, steps, tmp_path
):
    with sites.node(page, client, keyturn, tmp_path, app):
        button = ada.browser.get(f"{app}/auth/signin?callbackUrl={app}/")
        landed = ada.go_on(ada.browser.submit(button, {}))
        assert landed.url == f"{app}/"
        steps.done("login")
        user = json.loads(landed.text)
        assert (user["name"], user["email"]) == ("Ada Lovelace", USER["email"])
        steps.done("claims")
        # Each reading of the session refreshes: a token of a test lives for 30 s, and EARLY is as long.
        assert json.loads(ada.browser.get(f"{app}/notes").text)["count"] == 0
        steps.done("API")
        first, second = (session(ada, app)["accessToken"] for _ in range(2))
        assert first != second
        steps.done("refresh")
        assert ada.is_logged_in()
        assert ada.browser.get(f"{app}/logout").url == f"{app}/"
        assert not ada.is_logged_in()
        steps.done("logout")
        steps.complete()


def session(ada, app):
    return json.loads(ada.browser.get(f"{app}/auth/session").text)


@pytest.mark.parametrize("page", ["express-openid-connect"], indirect=True)
def test_a_site_with_express_openid_connect_logs_its_user_in_refreshes_and_logs_the_user_out(
    page, client, keyturn, app, ada, steps, tmp_path
):
    with sites.node(page, client, keyturn, tmp_path, app):
        landed = ada.open(f"{app}/")
        assert landed.url == f"{app}/"
        steps.done("login")
        for answer in (landed, ada.browser.get(f"{app}/userinfo")):
            user = json.loads(answer.text)
            assert (user["preferred_username"], user["email"]) == (USER["username"], USER["email"])
        steps.done("claims")
        assert json.loads(ada.browser.get(f"{app}/notes").text)["count"] == 0
        steps.done("API")
        assert json.loads(ada.browser.get(f"{app}/refresh").text) == {"changed": True}
        assert json.loads(ada.browser.get(f"{app}/notes").text)["count"] == 0
        steps.done("refresh")
        assert ada.is_logged_in()
        ada.browser.get(f"{app}/logout")
        assert not ada.is_logged_in()
        steps.done("logout")
        steps.complete()


@pytest.mark.parametrize("page", ["passport-openidconnect"], indirect=True)
def test_a_site_with_passport_logs_its_user_in_by_a_nonce_instead_of_pkce(
    page, client, keyturn, app, ada, steps, tmp_path
):
    with sites.node(page, client, keyturn, tmp_path, app):
        landed = ada.open(f"{app}/login")
        assert landed.url == f"{app}/"
        steps.done("login")
        user = json.loads(landed.text)
        assert (user["username"], user["emails"]) == (USER["username"], [{"value": USER["email"]}])
        steps.done("claims")
        assert json.loads(ada.browser.get(f"{app}/notes").text)["count"] == 0
        steps.done("API")
        steps.complete(lacks="refresh logout")
