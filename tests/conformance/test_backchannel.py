"""The plan oidcc-backchannel-rp-initiated-logout-certification-test-plan: 2 modules."""

import json
import time
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import requests
from joserfc import jwk, jws, jwt

from tests import marks
from tests.conformance.suite import TIMEOUT, Suite
from tests.services.conftest import wait_for

pytestmark = [*marks.conformance]
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def test_oidcc_backchannel_logout_discovery_endpoint_verification(once: Suite):
    """The metadata announces back-channel logout, logout tokens with sid, and the end_session_endpoint."""
    metadata = once.metadata
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
    assert metadata["end_session_endpoint"].startswith(f"{once.issuer}/")


def logout_token(suite: Suite, sid: str) -> dict:
    """Wait until the suite has received the logout token with this sid, verify it, and return its claims."""

    def tokens():
        path = urlsplit(suite.plan["backchannel_logout"]).path
        return [(kind, parse_qs(body)) for to, kind, body in list(suite.plan["received"]) if to == path]

    def own_tokens():
        return [form for _, form in tokens() if peek(form)["sid"] == sid]

    wait_for(own_tokens, within=60)
    assert {kind.partition(";")[0] for kind, _ in tokens()} == {"application/x-www-form-urlencoded"}
    (form,) = own_tokens()
    assert form.keys() == {"logout_token"}
    keys = jwk.KeySet.import_key_set(requests.get(suite.metadata["jwks_uri"], timeout=TIMEOUT).json())
    decoded = jwt.decode(form["logout_token"][0], keys, algorithms=["RS256"])
    assert decoded.header["typ"] == "logout+jwt"
    return decoded.claims


def peek(form: dict) -> dict:
    return json.loads(jws.extract_compact(form["logout_token"][0].encode()).payload)


def test_oidcc_backchannel_rp_initiated_logout(once: Suite):
    """A logout ends the login, and the client gets a valid logout token for the session of the ID token.

    The browser is redirected to the client afterwards.
    """
    tokens = once.tokens()
    id_claims, other = tokens["claims"], Suite(once.issuer, once.plan).tokens()["claims"]
    assert id_claims["sid"] != other["sid"]
    logout = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": once.plan["after_logout"], "state": "s"}
    page = once.browser.get(f"{once.issuer}/oauth/logout?{urlencode(logout)}")
    assert page.url.startswith(once.plan["after_logout"])
    assert dict(parse_qsl(urlsplit(page.url).query)) == {"state": "s"}
    claims = logout_token(once, id_claims["sid"])
    assert (claims["iss"], claims["aud"]) == (once.issuer, once.plan["client"]["client_id"])
    assert claims["events"] == {EVENT: {}}
    assert abs(claims["iat"] - time.time()) < 300
    assert claims["iat"] < claims["exp"]
    assert claims["jti"]
    assert claims.get("sub", id_claims["sub"]) == id_claims["sub"]
    assert "nonce" not in claims
    assert once.error(once.authorize(once.request(prompt="none"), log_in=False)) == "login_required"
    assert other["sid"] not in [
        peek(parse_qs(body))["sid"] for _, _, body in once.plan["received"] if "logout_token" in body
    ]
