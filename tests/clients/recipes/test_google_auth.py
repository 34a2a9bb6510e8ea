"""docs/clients/google-auth.md: google-auth exchanges a user's token for a token of another API (RFC 8693)."""

import pytest
import requests

from tests import marks
from tests.clients.recipes import environments
from tests.clients.recipes.programs import dialogue

pytestmark = [*marks.clients]
PROGRAM = """
import json, sys
import recipe
for line in sys.stdin:
    print(json.dumps({"access_token": recipe.exchange(line.strip())}), flush=True)
"""


@pytest.fixture
def client(page, keyturn):
    """Run the three commands of the documentation page. Return the client_id and client_secret of the service."""
    create_client, create_api, policy = page.commands()
    made = keyturn.create_client(create_client)
    keyturn.command(*create_api)
    keyturn.command(*policy)
    return made


@pytest.fixture
def users_token(keyturn, ada) -> str:
    """Return an access token of the user Ada for the API of the service. A client gets it in the device flow."""
    made = keyturn.create_client(
        [
            *(
                "create_client",
                "--name",
                "Front",
                "--public",
                "--grant",
                "urn:ietf:params:oauth:grant-type:device_code",
            ),
            *("--scope", "shop:read"),
        ]
    )
    own = {"client_id": made["client_id"], "scope": "shop:read"}
    begun = post(keyturn, "device", own)
    landed = ada.open(begun["verification_uri_complete"])
    ada.browser.submit(ada.browser.submit(landed, {"user_code": begun["user_code"]}), {}, button="allow")
    device = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": begun["device_code"]}
    return post(keyturn, "token", own | device)["access_token"]


def post(keyturn, endpoint, data):
    return requests.post(f"{keyturn.issuer}/oauth/{endpoint}", data, timeout=60, verify=keyturn.certificate).json()


def test_google_auth_exchanges_a_users_token_and_does_so_again(page, client, keyturn, users_token, steps, tmp_path):
    (tmp_path / "recipe.py").write_text(page.code("python", **client), encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    assert not keyturn.opens_api(users_token)
    with dialogue([environments.python("libraries"), "program.py"], tmp_path, keyturn.trust()) as program:
        first, second = (program.answer(users_token)["access_token"] for _ in range(2))
    assert keyturn.opens_api(first)
    steps.done("API")
    assert second != first
    assert keyturn.opens_api(second)
    steps.done("refresh")
    steps.complete(lacks="login claims logout")
