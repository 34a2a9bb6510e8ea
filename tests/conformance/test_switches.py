"""The most important modules of the Basic plan and of the Logout plan, while the signing keys switch.

The test runs these modules in rounds, at an issuer with KEY_POLICY=development. Between the requests of a round, it
runs `rotate_keys --now`, which plans a switch for the earliest safe time. The rounds go on until three keys have signed
ID tokens. A switch takes about twenty seconds. A pause follows each round, in which other tests can run.
"""

import threading
import time
from urllib.parse import urlencode

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from joserfc import jwk, jws, jwt

from tests import marks
from tests.conformance.suite import TIMEOUT, Suite, rotate

pytestmark = [*marks.switches]
KEYS, WITHIN = 3, 300  # keys that sign in turn; seconds until that has happened
PAUSE = 0.7  # seconds


def switch(suite: Suite) -> None:
    """Run `rotate_keys --now`: take the step that is due, and plan the next switch for the earliest safe time."""
    rotate(suite.plan["variables"], "--now")


def kid(id_token: str) -> str:
    return str(jws.extract_compact(id_token.encode()).headers()["kid"])


def verify_signature(suite: Suite, id_token: str) -> None:
    """Verify the signature of an ID token from the previous round. The JWKS must still have the token's key."""
    keys = jwk.KeySet.import_key_set(requests.get(suite.metadata["jwks_uri"], timeout=TIMEOUT).json())
    jwt.decode(id_token, keys, algorithms=["RS256"])


def run(suite: Suite) -> list[str]:
    """Run one round of the modules, and call `switch` between the requests.

    Returns the ID tokens that were issued.
    """
    request = suite.request(scope="openid email offline_access", prompt="consent")
    answer = suite.authorize(request)
    switch(suite)
    tokens = suite.redeem(answer, request)  # oidcc-server: verified by the JWKS
    assert "email" in suite.userinfo(tokens)  # oidcc-userinfo-get
    with pytest.raises(OAuthError, match="invalid_grant"):  # oidcc-codereuse
        suite.redeem(answer, request)
    switch(suite)
    tokens = suite.tokens(scope="openid email offline_access", prompt="consent")
    new = suite.client().refresh_token(f"{suite.issuer}/oauth/token", refresh_token=tokens["refresh_token"])
    claims = suite.verified(new["id_token"])  # oidcc-refresh-token
    assert claims["sub"] == tokens["claims"]["sub"]
    assert "email" in suite.userinfo({**new, "claims": claims})
    switch(suite)
    leave = {"id_token_hint": new["id_token"], "post_logout_redirect_uri": suite.plan["after_logout"], "state": "s"}
    page = suite.browser.get(f"{suite.issuer}/oauth/logout?{urlencode(leave)}")  # oidcc-rp-initiated-logout
    assert page.url == f"{suite.plan['after_logout']}?state=s"
    return [tokens["id_token"], new["id_token"]]


def test_the_core_modules_hold_while_the_keys_switch(switching: Suite):
    seen: set[str] = set()
    id_tokens: list[str] = []
    until = time.monotonic() + WITHIN
    while len(seen) < KEYS and time.monotonic() < until:
        earlier, id_tokens = id_tokens, run(switching)
        for id_token in earlier:
            verify_signature(switching, id_token)
        seen |= {kid(id_token) for id_token in id_tokens}
        threading.Event().wait(PAUSE)
    assert len(seen) >= KEYS
