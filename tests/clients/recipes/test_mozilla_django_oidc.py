"""docs/clients/mozilla-django-oidc.md: users of a Django site log in and out with mozilla-django-oidc."""

import json

from tests import marks
from tests.clients.recipes import sites
from tests.clients.recipes.stack import USER

pytestmark = [*marks.clients]


def test_a_site_with_mozilla_django_oidc_logs_its_user_in_renews_the_session_and_logs_the_user_out(
    page, client, keyturn, app, ada, steps, tmp_path
):
    with sites.django(page, client, keyturn, tmp_path, app):
        landed = ada.open(f"{app}/oidc/authenticate/")
        assert landed.url == f"{app}/"
        steps.done("login")
        user = json.loads(landed.text)
        names = ("username", "email", "first_name", "last_name")
        assert {name: user[name] for name in names} == {name: USER[name] for name in names}
        steps.done("claims")
        first = json.loads(ada.browser.get(f"{app}/tokens").text)["access_token"]
        assert keyturn.opens_api(first)
        steps.done("API")
        ada.browser.get(f"{app}/expire")
        second = ada.browser.get(f"{app}/tokens")  # by prompt=none: no page of the issuer on the way
        assert any("prompt=none" in url for url in second.history)
        assert json.loads(second.text)["access_token"] != first
        steps.done("refresh")
        assert ada.is_logged_in()
        form = ada.browser.get(f"{app}/button?action=/oidc/logout/")
        assert ada.browser.submit(form, {}).url == f"{app}/"
        assert not ada.is_logged_in()
        steps.done("logout")
        steps.complete()
