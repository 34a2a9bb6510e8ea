"""docs/clients/allauth.md: users of a Django site log in with django-allauth."""

import json

from tests import marks
from tests.clients.recipes import sites
from tests.clients.recipes.stack import USER

pytestmark = [*marks.clients]


def test_a_site_with_allauth_logs_its_user_in_and_has_a_token_for_the_api(
    page, client, keyturn, app, ada, steps, tmp_path
):
    with sites.django(page, client, keyturn, tmp_path, app):
        login = ada.browser.get(f"{app}/accounts/oidc/keyturn/login/")
        landed = ada.go_on(ada.browser.submit(login, {}))
        assert landed.url == f"{app}/"
        steps.done("login")
        user = json.loads(landed.text)
        assert {name: user[name] for name in USER if name != "password"} == {
            name: value for name, value in USER.items() if name != "password"
        }
        steps.done("claims")
        token = json.loads(ada.browser.get(f"{app}/tokens").text)
        assert keyturn.opens_api(token["access_token"])
        steps.done("API")
        assert token["refresh_token"]
        steps.complete(lacks="refresh logout")
