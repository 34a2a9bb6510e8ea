"""docs/clients/social-auth.md: users of a Django site log in and refresh their tokens with Python Social Auth."""

import json

from tests import marks
from tests.clients.recipes import sites
from tests.clients.recipes.stack import USER

pytestmark = [*marks.clients]


def test_a_site_with_social_auth_logs_its_user_in_and_refreshes_the_tokens(
    page, client, keyturn, app, ada, steps, tmp_path
):
    with sites.django(page, client, keyturn, tmp_path, app):
        button = ada.browser.get(f"{app}/button?action=/login/oidc/")
        landed = ada.go_on(ada.browser.submit(button, {}))
        assert landed.url == f"{app}/"
        steps.done("login")
        user = json.loads(landed.text)
        names = ("username", "email", "first_name", "last_name")
        assert {name: user[name] for name in names} == {name: USER[name] for name in names}
        steps.done("claims")
        first = json.loads(ada.browser.get(f"{app}/tokens").text)
        assert keyturn.opens_api(first["access_token"])
        steps.done("API")
        second = json.loads(ada.browser.get(f"{app}/refresh").text)
        assert second["access_token"] != first["access_token"]
        assert keyturn.opens_api(second["access_token"])
        steps.done("refresh")
        steps.complete(lacks="logout")
