"""docs/clients/jupyterhub.md: users log in to JupyterHub with OAuthenticator, which also refreshes their tokens."""

import json
import secrets

import pytest
import requests

from tests import marks
from tests.clients.recipes import environments, programs
from tests.clients.recipes.stack import GROUP, USER
from tests.services.conftest import wait_for

pytestmark = [*marks.clients]


@pytest.fixture
def hub(page, client, keyturn, app, tmp_path):
    (tmp_path / "hub_settings.py").write_text(page.code("python", **client), encoding="utf-8")
    own = keyturn.trust() | {"HUB_URL": app, "JUPYTERHUB_CRYPT_KEY": secrets.token_hex(32)}
    config = str(programs.HOSTS / "jupyterhub_config.py")
    command = [environments.python("jupyterhub"), "-m", "jupyterhub", "--config", config]
    with programs.website(command, tmp_path, own, url=f"{app}/hub/health"):
        yield app


def test_a_hub_logs_its_user_in_refreshes_the_tokens_and_logs_the_user_out(hub, client, keyturn, ada, steps):
    landed = ada.open(f"{hub}/hub/oauth_login")
    assert landed.url == f"{hub}/hub/home"
    steps.done("login")

    # The page's settings make members of the group administrators, who may read the hub's copy of the tokens.
    def state():
        user = json.loads(ada.browser.get(f"{hub}/hub/api/users/ada").text)
        assert (user["name"], user["groups"], user["admin"]) == (USER["username"], [GROUP], True)
        return user["auth_state"]

    first = state()
    assert (first["oauth_user"]["name"], first["oauth_user"]["email"]) == ("Ada Lovelace", USER["email"])
    steps.done("claims")
    assert keyturn.opens_api(first["access_token"])
    steps.done("API")
    revoke(keyturn, client, first["access_token"])  # as if it had expired
    wait_for(lambda: state()["access_token"] != first["access_token"], within=60)
    assert keyturn.opens_api(state()["access_token"])
    steps.done("refresh")
    assert ada.is_logged_in()
    ada.log_out(ada.browser.get(f"{hub}/hub/logout"))
    assert not ada.is_logged_in()
    steps.done("logout")
    steps.complete()


def revoke(keyturn, client, token):
    answer = requests.post(
        f"{keyturn.issuer}/oauth/revoke",
        {"token": token},
        auth=(client["client_id"], client["client_secret"]),
        timeout=60,
        verify=keyturn.certificate,
    )
    assert answer.status_code == 200
