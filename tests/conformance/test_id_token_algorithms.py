"""Clients that choose PS256, ES256 or EdDSA for their ID tokens. Authlib and joserfc verify the tokens.

The issuer signs access tokens, and the ID tokens of its other clients, with RS256. The signing keys switch during the
tests. With KEY_POLICY=development, a new ring (a set of signing keys) begins to sign within a minute.
"""

import json
import threading
import time
from contextlib import suppress

import pytest
import requests
from authlib.oidc.core import CodeIDToken
from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError

from project.launch import processes
from tests import manage_process, marks
from tests.conformance.suite import TIMEOUT, Suite, rotate

# joserfc: RFC 9864 renames EdDSA to Ed25519. Libraries of clients know the old name only.
pytestmark = [pytest.mark.filterwarnings("ignore:EdDSA is deprecated"), *marks.switches]
ALGORITHMS = ["PS256", "ES256", "EdDSA"]
WITHIN = 240  # seconds
KEYS = 2  # keys of a ring that sign in turn
PAUSE = 0.5  # seconds between two tries, in which other tests can run


def command(suite: Suite, *arguments: str) -> str:
    return manage_process.command(suite.plan["variables"], *arguments)


def register(suite: Suite, algorithm: str) -> dict[str, str]:
    """Register a client that chooses this algorithm for its ID tokens. Returns its client_id and secret."""
    grants = ("--grant", "authorization_code", "--grant", "refresh_token", "--redirect-uri", suite.callback)
    options = ("--client-id", f"by-{algorithm}", *grants, "--pkce", "optional", "--id-token-alg", algorithm, "--json")
    return json.loads(command(suite, "create_client", "--name", algorithm, *options))


def register_soon(suite: Suite, algorithm: str) -> dict[str, str]:
    """Register a client as soon as the key ring for the algorithm signs. Returns its client_id and secret."""
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        with suppress(processes.Failed):
            return register(suite, algorithm)
        threading.Event().wait(PAUSE)
    return register(suite, algorithm)


@pytest.fixture(scope="module")
def choosing(switching_plan):
    """Create a ring (a set of signing keys) and a client for each of ALGORITHMS. Return the plan with these clients."""
    suite = Suite(switching_plan["issuer"], switching_plan)
    with pytest.raises(processes.Failed, match="rotate_keys --ring id-PS256"):
        register(suite, "PS256")
    for algorithm in ALGORITHMS:
        rotate(suite.plan["variables"], "--ring", f"id-{algorithm}", "--algorithm", algorithm)
    return {**switching_plan, **{algorithm: register_soon(suite, algorithm) for algorithm in ALGORITHMS}}


@pytest.fixture
def client(choosing) -> Suite:
    return Suite(choosing["issuer"], choosing)


def keys(suite: Suite) -> jwk.KeySet:
    return jwk.KeySet.import_key_set(requests.get(suite.metadata["jwks_uri"], timeout=TIMEOUT).json())


def header(id_token: str) -> dict[str, str]:
    return jws.extract_compact(id_token.encode()).headers()


def claims(tokens: dict) -> dict[str, int]:
    """Return the claims of an ID token without verifying it."""
    return json.loads(jws.extract_compact(tokens["id_token"].encode()).payload)


def verify(suite: Suite, tokens: dict, algorithm: str) -> None:
    """Verify an ID token and its at_hash with Authlib.

    Asserts that the token is signed with this algorithm, and that Authlib accepts no other algorithm.
    """
    decoded = jwt.decode(tokens["id_token"], keys(suite), algorithms=[algorithm])
    name = suite.plan[algorithm]["client_id"]
    judged = CodeIDToken(
        decoded.claims,
        {"alg": algorithm},
        {"iss": {"value": suite.issuer}, "aud": {"value": name}},
        {"access_token": tokens["access_token"], "client_id": name},
    )
    judged.validate(leeway=5)
    assert judged["at_hash"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_authlib_verifies_the_id_tokens_of_a_login_and_of_a_refresh(client: Suite, algorithm):
    tokens = client.tokens(algorithm, scope="openid offline_access", prompt="consent")
    verify(client, tokens, algorithm)
    assert header(tokens["access_token"])["alg"] == "RS256"
    endpoint = f"{client.issuer}/oauth/token"
    new = client.client(algorithm).refresh_token(endpoint, refresh_token=tokens["refresh_token"])
    verify(client, new, algorithm)
    assert algorithm in client.metadata["id_token_signing_alg_values_supported"]
    assert header(client.tokens()["id_token"])["alg"] == "RS256", "the plan's own client chose nothing"


def test_the_hint_of_such_a_token_ends_its_session(client: Suite):
    tokens = client.tokens("ES256")
    leave = f"{client.issuer}/oauth/logout?id_token_hint={tokens['id_token']}"
    assert "You are logged out" in client.browser.get(leave).text


def test_id_tokens_stay_valid_while_the_keys_of_their_ring_switch(client: Suite):
    seen: set[str] = set()
    verified_after_switch = 0
    tokens: dict = {}
    until = time.monotonic() + WITHIN
    while (len(seen) < KEYS or not verified_after_switch) and time.monotonic() < until:
        earlier, tokens = tokens, client.tokens("ES256")
        rotate(client.plan["variables"], "--ring", "id-ES256", "--now")
        for each in filter(None, (earlier, tokens)):
            try:
                verify(client, each, "ES256")
            except JoseError:
                if time.time() < claims(each)["exp"]:
                    raise
            else:
                verified_after_switch += header(each["id_token"])["kid"] != header(tokens["id_token"])["kid"]
        seen.add(header(tokens["id_token"])["kid"])
        threading.Event().wait(PAUSE)
    assert len(seen) >= KEYS
    assert verified_after_switch
