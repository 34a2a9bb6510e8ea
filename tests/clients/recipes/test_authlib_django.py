"""docs/clients/authlib.md: users of a Django site log in and out with Authlib."""

import json

import pytest

from tests import marks
from tests.clients.recipes import sites
from tests.clients.recipes.stack import USER

pytestmark = [*marks.clients]


@pytest.mark.parametrize("page", ["authlib"], indirect=True)
def test_a_site_with_authlib_logs_its_user_in_refreshes_and_logs_the_user_out(
    page, client, keyturn, app, ada, steps, tmp_path
):
    with sites.django(page, client, keyturn, tmp_path, app):
        landed = ada.open(f"{app}/login")
        assert landed.url == f"{app}/"
        steps.done("login")
        user = json.loads(ada.browser.get(f"{app}/session").text)["user"]
        assert (user["preferred_username"], user["email"]) == (USER["username"], USER["email"])
        steps.done("claims")
        assert json.loads(ada.browser.get(f"{app}/notes").text)["count"] == 0
        steps.done("API")
        first, second = (token(ada, f"{app}/{path}") for path in ("", "refresh"))
        assert second["access_token"] != first["access_token"]
        assert keyturn.opens_api(second["access_token"])
        steps.done("refresh")
        assert ada.is_logged_in()
        assert ada.browser.get(f"{app}/logout").url == f"{app}/"
        assert not ada.is_logged_in()
        steps.done("logout")
        steps.complete()


def token(ada, url):
    ada.browser.get(url)
    return json.loads(ada.browser.get(f"{url.rpartition('/')[0]}/session").text)["token"]
