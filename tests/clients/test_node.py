"""openid-client and jose, on node: discovery, code with PKCE, refresh, revocation, client credentials, mix-up."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.flow.conftest import System

pytestmark = pytest.mark.node
NODE = Path(__file__).resolve().parent / "node"


def test_openid_client_and_jose_get_verify_refresh_and_revoke_tokens(public, system: System, agree):
    given = {
        "issuer": system.issuer,
        "audience": system.audience,
        "client_id": public,
        "redirect_uri": system.callback,
        "service_secret": system.variables.demo["SERVICE_CLIENT_SECRET"],
    }
    process = subprocess.Popen(
        ["node", "flow.mjs", json.dumps(given)],
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
    came = json.loads(out)
    assert came.pop("sub")
    assert came == {
        "same": True,
        "rotated": True,
        "afterwards": "invalid_grant",
        "introspected": True,
        "mixUp": "OAUTH_INVALID_RESPONSE",
    }
