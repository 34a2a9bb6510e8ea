"""The Node.js libraries openid-client and jose use the issuer.

The tests cover discovery, PKCE, refresh, revocation, client credentials, and defence against the mix-up attack.
"""

import json
import subprocess
import time
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests import marks
from tests.flow.conftest import System
from tests.flow.test_story import service_token

pytestmark = [pytest.mark.node, *marks.stack]
NODE = Path(__file__).resolve().parent / "node"


def run(program: str, given: dict, agree) -> dict:
    """Run a node program that prints a login URL, and log in there. Return the JSON that the program prints next.

    The program gets `given` as JSON, and the callback URL on stdin. `agree` logs in and returns the callback URL.
    """
    process = subprocess.Popen(
        ["node", program, json.dumps(given)],
        cwd=NODE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdin
            assert process.stdout
            assert process.stderr
            first = process.stdout.readline()
            assert first, process.stderr.read()
            process.stdin.write(agree(json.loads(first)["go"]) + "\n")
            process.stdin.flush()
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, err
    return json.loads(out)


def test_openid_client_and_jose_get_verify_refresh_and_revoke_tokens(public, system: System, agree):
    given = {
        "issuer": system.issuer,
        "audience": system.audience,
        "client_id": public,
        "redirect_uri": system.callback,
        "service_secret": system.variables.demo["SERVICE_CLIENT_SECRET"],
    }
    came = run("flow.mjs", given, agree)
    assert came.pop("sub")
    assert came == {
        "same": True,
        "rotated": True,
        "afterwards": "invalid_grant",
        "introspected": True,
        "mixUp": "OAUTH_INVALID_RESPONSE",
    }


def test_openid_client_pushes_its_requests_and_is_refused_for_another_redirect_uri(register, system: System, agree):
    grants = ("--grant", "authorization_code", "--redirect-uri", system.callback)
    made = register("Pushes", *grants, "--require-par")
    came = run("par.mjs", made | {"issuer": system.issuer, "redirect_uri": system.callback}, agree)
    assert came == {
        "carried": ["client_id", "request_uri"],
        "foreign": {"error": "invalid_request", "status": 400},
        "scope": "openid notes:read",
        "required": False,
    }


@pytest.mark.parametrize("push", [False, True], ids=["in the address", "pushed"])
def test_openid_client_signs_its_requests_and_is_refused_with_another_key(register, system: System, agree, *, push):
    key = ec.generate_private_key(ec.SECP256R1())
    grants = ("--grant", "authorization_code", "--redirect-uri", system.callback)
    made = register("Signs", *grants, "--require-signed-request", key=key)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    given = {"issuer": system.issuer, "redirect_uri": system.callback, "key": pem.decode(), "push": push}
    assert run("jar.mjs", made | given, agree) == {
        "carried": ["client_id", "request_uri" if push else "request"],
        "unsigned": "invalid_request",
        "refused": "invalid_request_object",
        "scope": "openid notes:read",
    }


def test_openid_client_keeps_to_the_fapi_2_security_profile(register, system: System, agree):
    key = ec.generate_private_key(ec.SECP256R1())
    callback = system.callback.replace("//localhost:", "//127.0.0.1:")
    made = register("Bank", "--grant", "authorization_code", "--redirect-uri", callback, "--fapi2", key=key)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    given = {"issuer": system.issuer, "redirect_uri": callback, "key": pem.decode()}
    assert run("fapi2.mjs", made | given, agree) == {
        "carried": ["client_id", "request_uri"],
        "unbound": "invalid_dpop_proof",
        "stolen": "invalid_grant",
        "type": "dpop",
        "same": True,
    }


def test_a_second_reader_of_the_revocation_feed_gives_the_same_answer_for_every_table():
    file = NODE.parent.parent / "revocation_cases.json"
    process = subprocess.run(
        ["node", "revocation-feed.mjs", "cases", str(file)],
        check=False, cwd=NODE, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    tables, answers = json.loads(file.read_text(encoding="utf-8")), json.loads(process.stdout)
    assert answers["keys"] == [row["key"] for row in tables["keys"]]
    assert answers["coverage"] == [sorted(row["covered_by"]) for row in tables["coverage"]]
    cases = tables["feeds"]["cases"]
    expected = [row.get("after", {"refused_by": row.get("refused_by")}) for row in cases]
    for case, after, answer in zip(cases, expected, answers["feeds"], strict=True):
        assert answer == after, case["name"]
    assert len(cases) >= 50


def test_a_second_reader_follows_the_feed_of_a_running_issuer(system: System):
    ended, standing = service_token(system), service_token(system)
    process = subprocess.Popen(
        ["node", "revocation-feed.mjs", "follow", system.issuer],
        cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    def is_revoked(token: str) -> bool:
        assert process.stdin
        assert process.stdout
        process.stdin.write(token + "\n")
        process.stdin.flush()
        return bool(json.loads(process.stdout.readline())["revoked"])

    with process:
        try:
            assert [is_revoked(token) for token in (ended, standing)] == [False, False]
            secret = system.variables.demo["SERVICE_CLIENT_SECRET"]
            answer = requests.post(
                f"{system.issuer}/oauth/revoke", {"token": ended}, auth=("service", secret), timeout=60
            )
            assert answer.status_code == 200
            deadline = time.monotonic() + 10
            while not is_revoked(ended):
                assert time.monotonic() < deadline
            assert not is_revoked(standing)
        finally:
            process.kill()
