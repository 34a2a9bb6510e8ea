"""Access tokens that are bound to a DPoP key (RFC 9449), with Node.js libraries of other projects.

The clients oauth4webapi and openid-client send tokens of oidc-provider and of Keyturn to Keyturn's API. They also send
tokens of Keyturn to an API with express-oauth2-jwt-bearer.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import marks
from tests.flow.conftest import System
from tests.ports import free

pytestmark = [pytest.mark.node, *marks.stack]
NODE = Path(__file__).resolve().parent / "node"
SECRET = "a-secret-of-the-client-of-this-test"
EXPECTED = {"token_type": "dpop", "bound": 200, "again": 200, "as_bearer": 401, "by_another_key": 401}


@contextmanager
def server(script: str, **given: str) -> Iterator[None]:
    """Run the node program `script` as a server while the block runs. Waits until it prints "ready".

    The argument of the program is a JSON object with `given`.
    """
    command = ["node", script, json.dumps(given)]
    with subprocess.Popen(command, cwd=NODE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.kill()


def use(**given: str) -> dict[str, dict[str, object]]:
    """Run a node program that uses both client libraries, and return the results by library.

    The argument of the program is a JSON object with `given`. A result has the token type, and the status of each
    request to the API.
    """
    process = subprocess.run(
        ["node", "dpop-client.mjs", json.dumps(given)],
        check=False, cwd=NODE, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    results: dict[str, dict[str, object]] = json.loads(process.stdout)
    return results


@pytest.mark.parametrize("alg", ["ES256", "Ed25519"])
@pytest.mark.parametrize("nonces", ["false", "true"])
def test_our_api_accepts_bound_tokens_of_oidc_provider(api_of, nonces, alg):
    issuer = f"http://localhost:{free()}"
    api = api_of(issuer, API_DPOP_NONCES=nonces)
    with server("dpop-provider.mjs", issuer=issuer, audience=f"{api}/", secret=SECRET, alg=alg):
        results = use(
            issuer=issuer, client_id="robot", secret=SECRET, scope="notes:read", resource=f"{api}/",
            url=f"{api}/api/notes/", alg=alg,
        )  # fmt: skip
    assert results == {"oauth4webapi": EXPECTED, "openid-client": EXPECTED}


def our_tokens(system: System, url: str) -> dict[str, dict[str, object]]:
    """Let both client libraries send bound tokens of Keyturn to the API at `url`. Return their results by library."""
    secret = system.variables.demo["SERVICE_CLIENT_SECRET"]
    where = {"resource": system.audience, "url": url, "algorithm": "oauth2"}
    return use(issuer=system.issuer, client_id="service", secret=secret, scope="notes:read", **where)


def test_our_api_accepts_bound_tokens_of_our_issuer(system: System):
    assert our_tokens(system, f"{system.api}/api/notes/") == {"oauth4webapi": EXPECTED, "openid-client": EXPECTED}


def test_express_oauth2_jwt_bearer_accepts_bound_tokens_of_our_issuer(system: System):
    url = f"http://localhost:{free()}/"
    with server("dpop-api.mjs", issuer=system.issuer, audience=system.audience, url=url):
        assert our_tokens(system, url) == {"oauth4webapi": EXPECTED, "openid-client": EXPECTED}
