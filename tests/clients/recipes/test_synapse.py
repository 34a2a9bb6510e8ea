"""docs/clients/synapse.md: users log in to a Matrix homeserver."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests import marks
from tests.clients.recipes import environments, programs
from tests.clients.recipes.stack import USER

pytestmark = [*marks.clients]

SERVER = """
server_name: localhost
public_baseurl: {app}/
listeners: [{{port: {port}, type: http, bind_addresses: ["127.0.0.1"], resources: [{{names: [client]}}]}}]
database: {{name: sqlite3, args: {{database: homeserver.db}}}}
signing_key_path: signing.key
media_store_path: media
macaroon_secret_key: of a test
report_stats: false
trusted_key_servers: []
sso: {{client_whitelist: ["{app}/"]}}
"""


@pytest.fixture
def homeserver(page, client, keyturn, app, tmp_path):
    config = SERVER.format(app=app, port=app.rpartition(":")[2]) + page.code("yaml", **client)
    (tmp_path / "homeserver.yaml").write_text(config, encoding="utf-8")
    start = [environments.python("synapse"), "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]
    with programs.dialogue([*start, "--generate-keys"], tmp_path, keyturn.trust()) as keys:
        assert keys.process.wait(120) == 0, keys.log.read_text()
    with programs.website(start, tmp_path, keyturn.trust(), url=f"{app}/health"):
        yield app


def test_a_homeserver_logs_its_user_in_with_name_and_address(homeserver, ada, steps):
    matrix = f"{homeserver}/_matrix/client/v3"
    query = urlencode({"redirectUrl": f"{homeserver}/done"})
    landed = ada.open(f"{matrix}/login/sso/redirect/oidc-keyturn?{query}")
    assert landed.url.startswith(f"{homeserver}/done?")
    (token,) = parse_qs(urlsplit(landed.url).query)["loginToken"]
    login = requests.post(f"{matrix}/login", json={"type": "m.login.token", "token": token}, timeout=60).json()
    assert login["user_id"] == f"@{USER['username']}:localhost"
    steps.done("login")
    bearer = {"Authorization": f"Bearer {login['access_token']}"}
    profile = requests.get(f"{matrix}/profile/{login['user_id']}", headers=bearer, timeout=60).json()
    account = requests.get(f"{matrix}/account/3pid", headers=bearer, timeout=60).json()
    assert profile["displayname"] == "Ada Lovelace"
    assert [threepid["address"] for threepid in account["threepids"]] == [USER["email"]]
    steps.done("claims")
    steps.complete(lacks="API refresh logout")
