"""Client libraries of other projects get tokens that are bound to their DPoP key.

Each test runs at an issuer that requires nonces in DPoP proofs, and at one that does not.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from project.launch import processes
from tests import marks
from tests.clients.recipes import environments
from tests.flow.conftest import System, serve
from tests.ports import free

pytestmark = [pytest.mark.node, *marks.stack]
NODE = Path(__file__).resolve().parent / "node"
PROGRAM = """
import json, sys
from requests_oauth2client import OAuth2Client, DPoPKey
from requests_oauth2client.exceptions import OAuth2Error

given = json.loads(sys.argv[1])
client = OAuth2Client.from_discovery_endpoint(
    issuer=given["issuer"], client_id=given["client_id"], redirect_uri=given["redirect_uri"], testing=True,
    dpop_bound_access_tokens=True, dpop_alg=given["alg"],
)
request = client.authorization_request(scope="openid email offline_access", dpop=True, dpop_alg=given["alg"])
print(json.dumps({"go": str(request)}), flush=True)
answer = request.validate_callback(sys.stdin.readline().strip())


def outcome(call):
    try:
        return call().token_type
    except OAuth2Error as error:
        return error.error


other = DPoPKey.generate(given["alg"])
wrong = outcome(lambda: client.authorization_code(answer.code, dpop_key=other, redirect_uri=given["redirect_uri"],
    code_verifier=answer.code_verifier, validate=False))
tokens = client.authorization_code(answer, validate=False)
about = client.userinfo(tokens)
as_bearer = client.session.get(client.userinfo_endpoint, headers={"Authorization": f"Bearer {tokens.access_token}"})
form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
stolen = outcome(lambda: client.token_request(form, dpop_key=other))
refreshed = client.refresh_token(tokens)
again = client.userinfo(refreshed)
print(json.dumps({
    "byAnotherKey": wrong, "type": tokens.token_type, "about": about.get("email"), "asBearer": as_bearer.status_code,
    "refreshByAnother": stolen, "refreshed": refreshed.token_type, "again": again["sub"] == about["sub"],
}), flush=True)
"""


@pytest.fixture(scope="module")
def with_nonces(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of an issuer that requires nonces in DPoP proofs.

    It has the same database as the issuer that requires no nonces.
    """
    url = f"http://localhost:{free()}"
    variables = system.variables.issuer | {"ISSUER_URL": url, "DPOP_REQUIRES_NONCE": "true"}
    child = serve("issuer", variables, url, tmp_path_factory.mktemp("nonces"))
    try:
        yield url
    finally:
        processes.stop([child])


@pytest.fixture(params=["without nonces", "with nonces"])
def issuer(request: pytest.FixtureRequest, system: System) -> str:
    return request.getfixturevalue("with_nonces") if request.param == "with nonces" else system.issuer


@pytest.fixture
def run(public: str, system: System, agree: Callable[[str], str]) -> Callable[..., Any]:
    """Return a function that runs a client program, logs in at the URL that it prints, and returns its output."""

    def follow(command: Sequence[str], issuer: str, alg: str) -> Any:
        given = {"issuer": issuer, "client_id": public, "redirect_uri": system.callback, "alg": alg}
        pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with subprocess.Popen([*command, json.dumps(given)], cwd=NODE, text=True, **pipes) as process:
            try:
                first = process.stdout.readline()
                assert first, process.stderr.read()
                out, err = process.communicate(agree(json.loads(first)["go"]) + "\n", timeout=120)
            finally:
                process.kill()
        assert process.returncode == 0, err
        return json.loads(out)

    return follow


@pytest.mark.parametrize("alg", ["ES256", "Ed25519", "PS256"])
def test_openid_client_and_oauth4webapi_get_and_use_bound_tokens(run, issuer: str, system: System, alg: str) -> None:
    assert run(["node", "dpop.mjs"], issuer, alg) == {
        "byAnotherKey": "invalid_grant",
        "type": "dpop",
        "bound": True,
        "about": "demo@example.com",
        "asBearer": [401, True],
        "refreshWithout": "invalid_grant",
        "refreshByAnother": "invalid_grant",
        "refreshed": "dpop",
        "low": ["dpop", True, int(issuer != system.issuer)],
    }


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256"])
def test_requests_oauth2client_gets_and_uses_bound_tokens(run, issuer: str, tmp_path: Path, alg: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    assert run([environments.python("libraries"), str(program)], issuer, alg) == {
        "byAnotherKey": "invalid_grant",
        "type": "DPoP",
        "about": "demo@example.com",
        "asBearer": 401,
        "refreshByAnother": "invalid_grant",
        "refreshed": "DPoP",
        "again": True,
    }
