"""docs/clients/requests-oauth2client.md: a service that authenticates with a private key.

Its library uses the URL of the token endpoint as the audience of the assertion.
"""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests import marks
from tests.clients.recipes import environments
from tests.clients.recipes.programs import dialogue

pytestmark = [*marks.clients]
PROGRAM = """
import json
import recipe
from requests_oauth2client.exceptions import OAuth2Error
try:
    print(json.dumps({"access_token": recipe.access_token()}), flush=True)
except OAuth2Error as refused:
    print(json.dumps({"error": refused.error, "description": refused.description}), flush=True)
"""


@pytest.fixture
def command(page, tmp_path) -> list[str]:
    """Make a key pair, and return the arguments of the second command on the documentation page.

    The argument with the file of the public key names the new file.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    names = {"kid": "one", "alg": "ES256", "use": "sig"}
    private, public = (json.loads(ECAlgorithm.to_jwk(half)) | names for half in (key, key.public_key()))
    (tmp_path / "private.jwk.json").write_text(json.dumps(private), encoding="utf-8")
    file = tmp_path / "public.jwks.json"
    file.write_text(json.dumps({"keys": [public]}), encoding="utf-8")
    return replace(page, addresses={**page.addresses, file.name: str(file)}).commands()[1]


def run(page, made, keyturn, folder) -> dict[str, str]:
    (folder / "recipe.py").write_text(page.code("python", number=1, **made), encoding="utf-8")
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    # -B: the second recipe.py of a test has the size of the first, and often the same second, so that Python would take
    # the compiled first one for current.
    with dialogue([environments.python("libraries"), "-B", "program.py"], folder, keyturn.trust()) as program:
        return program.next()


@pytest.mark.parametrize("page", ["requests-oauth2client"], indirect=True)
def test_a_service_gets_a_token_by_its_key_and_the_error_without_the_option_names_it(page, command, keyturn, tmp_path):
    made = keyturn.create_client(command)
    assert keyturn.opens_api(run(page, made, keyturn, tmp_path)["access_token"])
    command.remove("--legacy-audience")
    refused = run(page, keyturn.create_client(command), keyturn, tmp_path)
    assert refused["error"] == "invalid_client"
    assert "--legacy-audience" in refused["description"]
