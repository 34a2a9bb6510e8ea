"""The plans oidcc-basic-certification-test-plan and oidcc-formpost-basic-certification-test-plan: 35 modules each.

Each test runs for both plans, which differ only in the response mode. It also runs for the Basic plan at an issuer
whose signing keys switch during the tests.
"""

import base64
import hashlib
import json
import sqlite3
import time
from contextlib import closing

import pytest
import requests
from authlib.integrations.base_client import OAuthError

from tests import marks
from tests.conformance import profile, sessions
from tests.conformance.suite import TIMEOUT, Suite

pytestmark = [*marks.conformance]
PROFILE = {"name", "given_name", "family_name", "preferred_username", "updated_at"} | profile.CLAIMS.keys() - {
    "phone_number", "phone_number_verified", "address"
}  # fmt: skip


def unsigned(claims):
    """Return a request object without a signature, which RFC 9101 section 10.1 forbids."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_oidcc_server(suite: Suite):
    """The code flow gives an access token and an ID token whose claims and signature are right."""
    request = suite.request()
    answer = suite.authorize(request)
    assert answer.values["state"] == request["state"]
    assert answer.method == ("POST" if suite.response_mode else "GET")
    tokens = suite.redeem(answer, request)
    assert tokens["expires_in"] > 0
    assert tokens["claims"]["exp"] > time.time()
    assert abs(tokens["claims"]["iat"] - time.time()) < 300


def test_oidcc_response_type_missing(suite: Suite):
    """If a request has no response_type, the browser gets an error page, or the client gets an error."""
    answer = suite.authorize(suite.request(response_type=None))
    assert suite.refused(answer) or suite.error(answer) in {"invalid_request", "unsupported_response_type"}


def test_oidcc_userinfo_get(suite: Suite):
    """Userinfo accepts GET with the token in the Authorization header.

    The response is JSON with the sub of the ID token.
    """
    tokens = suite.tokens()
    assert suite.userinfo(tokens)["sub"]


def test_oidcc_userinfo_post_header(suite: Suite):
    """Userinfo accepts POST with the token in the Authorization header."""
    suite.userinfo(suite.tokens(), "POST")


def test_oidcc_userinfo_post_body(suite: Suite):
    """Userinfo accepts POST with the token in the body (RFC 6750 section 2.2; USERINFO_TOKEN_IN_BODY)."""
    suite.userinfo(suite.tokens(), "POST", in_body=True)


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(suite: Suite):
    """A request without a nonce succeeds, and the ID token has none."""
    assert "nonce" not in suite.tokens(nonce=None)["claims"]


def test_oidcc_scope_profile(suite: Suite):
    """The scope profile gives every claim of OIDC Core section 5.4 that the provider supports, of the right type."""
    claims = suite.userinfo(suite.tokens(scope="openid profile"))
    assert claims.keys() >= PROFILE
    assert isinstance(claims["updated_at"], int)
    assert claims["birthdate"] == "1815-12-10"


def test_oidcc_scope_email(suite: Suite):
    """The scope email gives email and a boolean email_verified."""
    claims = suite.userinfo(suite.tokens(scope="openid email"))
    assert claims["email_verified"] is True
    assert "@" in claims["email"]


def test_oidcc_scope_address(suite: Suite):
    """The scope address gives the claim address, which is a JSON object."""
    assert suite.userinfo(suite.tokens(scope="openid address"))["address"] == profile.CLAIMS["address"]


def test_oidcc_scope_phone(suite: Suite):
    """The scope phone gives phone_number and a boolean phone_number_verified."""
    claims = suite.userinfo(suite.tokens(scope="openid phone"))
    assert (claims["phone_number"], claims["phone_number_verified"]) == (profile.CLAIMS["phone_number"], True)


def test_oidcc_scope_all(suite: Suite):
    """All scopes together give all their claims."""
    claims = suite.userinfo(suite.tokens(scope="openid profile email address phone"))
    assert claims.keys() >= PROFILE | {"email", "email_verified", "address", "phone_number", "phone_number_verified"}


def test_oidcc_ensure_other_scope_order_succeeds(suite: Suite):
    """The order of the scopes does not matter: openid may come last."""
    tokens = suite.tokens(scope="email openid")
    assert set(tokens["scope"].split()) == {"email", "openid"}
    assert "email" in suite.userinfo(tokens)


@pytest.mark.parametrize("display", ["page", "popup"])
def test_oidcc_display(suite: Suite, display):
    """oidcc-display-page and oidcc-display-popup: a request with the parameter display succeeds."""
    assert suite.tokens(display=display)["access_token"]


def test_oidcc_prompt_login(suite: Suite):
    """prompt=login shows a second login page, and the second ID token has a later auth_time."""
    first = suite.tokens(max_age="15000")
    assert suite.logins == 1
    second = suite.tokens(prompt="login", max_age="15000")
    assert suite.logins == 2
    assert second["claims"]["auth_time"] >= first["claims"]["auth_time"]
    assert second["claims"]["sub"] == first["claims"]["sub"]


def test_oidcc_prompt_none_not_logged_in(suite: Suite):
    """prompt=none without a session gets the error login_required, and no page."""
    answer = suite.authorize(suite.request(prompt="none"), log_in=False)
    assert suite.error(answer) in {"login_required", "interaction_required"}


def test_oidcc_prompt_none_logged_in(suite: Suite):
    """prompt=none succeeds without a page if the user is logged in. sub and auth_time stay the same."""
    first = suite.tokens(max_age="15000")
    second = suite.tokens(prompt="none", max_age="15000")
    assert suite.logins == 1
    assert [second["claims"][name] for name in ("sub", "auth_time")] == [
        first["claims"][name] for name in ("sub", "auth_time")
    ]


def test_oidcc_max_age_1(suite: Suite):
    """With max_age=1, a user whose login is older than one second must log in again.

    auth_time is the time of the new login.
    """
    first = suite.tokens()
    sessions.age(suite.plan["variables"], 10)
    second = suite.tokens(max_age="1")
    assert suite.logins == 2
    assert abs(second["claims"]["auth_time"] - time.time()) < 300
    assert second["claims"]["sub"] == first["claims"]["sub"]


def test_oidcc_max_age_10000(suite: Suite):
    """With max_age=10000, a second request needs no new login. Both ID tokens have the same auth_time."""
    first, second = suite.tokens(max_age="10000"), suite.tokens(max_age="10000")
    assert suite.logins == 1
    assert second["claims"]["auth_time"] == first["claims"]["auth_time"]


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(suite: Suite):
    """A parameter that the provider does not know is ignored."""
    assert suite.tokens(extra="foobar")["access_token"]


def test_oidcc_id_token_hint(suite: Suite):
    """id_token_hint with prompt=none succeeds for the user of the session."""
    first = suite.tokens()
    second = suite.tokens(prompt="none", id_token_hint=first["id_token"])
    assert suite.logins == 1
    assert second["claims"]["sub"] == first["claims"]["sub"]


def test_oidcc_login_hint(suite: Suite):
    """A request with login_hint succeeds."""
    assert suite.tokens(login_hint="bob@example.com")["access_token"]


def test_oidcc_ui_locales(suite: Suite):
    """A request with ui_locales succeeds."""
    assert suite.tokens(ui_locales="se")["access_token"]


def test_oidcc_claims_locales(suite: Suite):
    """A request with claims_locales succeeds."""
    assert suite.tokens(claims_locales="se")["access_token"]


@pytest.mark.parametrize("acr_values", ["listed", "1 2"])
def test_oidcc_ensure_request_with_acr_values_succeeds(suite: Suite, acr_values):
    """A request with acr_values succeeds. The acr in the ID token is the class of the user's login.

    This can be another class than the requested ones (OIDC Core section 15.1).
    """
    listed = suite.metadata["acr_values_supported"]
    tokens = suite.tokens(acr_values=" ".join(listed) if acr_values == "listed" else acr_values)
    assert tokens["claims"]["acr"] in listed


def test_oidcc_codereuse(suite: Suite):
    """A code is refused when it is redeemed again at once."""
    request = suite.request()
    answer = suite.authorize(request)
    suite.redeem(answer, request)
    with pytest.raises(OAuthError, match="invalid_grant"):
        suite.redeem(answer, request)


def test_oidcc_codereuse_30seconds(suite: Suite):
    """A code is refused if it is redeemed again after 30 s. The access token that the code gave is then revoked."""
    request = suite.request()
    answer = suite.authorize(request)
    tokens = suite.redeem(answer, request)
    age_codes(suite.plan["database"], 31)
    with pytest.raises(OAuthError, match="invalid_grant"):
        suite.redeem(answer, request)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.get(f"{suite.issuer}/oauth/userinfo", headers=headers, timeout=TIMEOUT).status_code == 401


def test_oidcc_ensure_registered_redirect_uri(suite: Suite):
    """If the client did not register the redirect URI, the browser gets an error page, and is not redirected."""
    answer = suite.authorize(suite.request(redirect_uri=f"{suite.callback}/elsewhere"))
    assert suite.refused(answer)


def test_oidcc_ensure_post_request_succeeds(suite: Suite):
    """An authorization request by POST succeeds."""
    request = suite.request()
    answer = suite.authorize(request, by_post=True)
    assert suite.redeem(answer, request)["access_token"]


def test_oidcc_server_client_secret_post(suite: Suite):
    """The code flow succeeds for a client that sends its secret in the body of the token request."""
    assert suite.tokens("client_secret_post", "client_secret_post")["access_token"]


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(suite: Suite):
    """A request whose request_uri is a URL of the client is refused.

    The browser gets an error page, or the client gets request_uri_not_supported or invalid_request_uri. The metadata
    announces that the parameter request_uri is not supported.
    """
    assert suite.metadata["request_uri_parameter_supported"] is False
    answer = suite.authorize(suite.request(request_uri=f"{suite.callback}/request.jwt"))
    assert suite.refused(answer) or suite.error(answer) in {"request_uri_not_supported", "invalid_request_uri"}


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(suite: Suite):
    """An unsigned request object is refused.

    If the user is not logged in, the browser gets an error page. Otherwise, the client gets an error.
    """
    request = suite.request()
    assert "none" not in suite.metadata.get("request_object_signing_alg_values_supported", [])
    assert suite.refused(suite.authorize({**request, "request": unsigned(request)}))
    suite.tokens()
    answer = suite.authorize({**request, "request": unsigned(request)})
    assert suite.error(answer) in {"request_not_supported", "invalid_request_object"}


def test_oidcc_claims_essential(suite: Suite):
    """Userinfo returns name if the parameter claims marks name as essential, even if the scope is only openid."""
    claims = json.dumps({"userinfo": {"name": {"essential": True}}})
    assert suite.userinfo(suite.tokens(claims=claims))["name"] == "Ada Lovelace"


def test_oidcc_ensure_request_object_with_redirect_uri(suite: Suite):
    """A request with an unregistered redirect URI is refused, even if its request object has a registered one."""
    request = suite.request()
    outside = {**request, "redirect_uri": f"{suite.callback}/elsewhere", "request": unsigned(request)}
    assert suite.refused(suite.authorize(outside))


def test_oidcc_refresh_token(suite: Suite):
    """A refresh gives new tokens. iss, sub, aud and auth_time of the ID token do not change.

    The refresh token is refused for another client.
    """
    tokens = suite.tokens(scope="openid offline_access", prompt="consent")
    client = suite.client()
    new = client.refresh_token(f"{suite.issuer}/oauth/token", refresh_token=tokens["refresh_token"])
    claims = suite.verified(new["id_token"], nonce=None) if "id_token" in new else tokens["claims"]
    assert [claims[name] for name in ("iss", "sub", "aud", "auth_time")] == [
        tokens["claims"][name] for name in ("iss", "sub", "aud", "auth_time")
    ]
    assert new["access_token"] != tokens["access_token"]
    with pytest.raises(OAuthError, match="invalid_grant"):
        suite.client("client2").refresh_token(
            f"{suite.issuer}/oauth/token", refresh_token=new.get("refresh_token", tokens["refresh_token"])
        )


def test_oidcc_ensure_request_with_valid_pkce_succeeds(suite: Suite):
    """If a request has a code challenge, its code is accepted with the code verifier, and refused without it."""
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    request = suite.request(code_challenge=challenge, code_challenge_method="S256")
    answer = suite.authorize(request)
    with pytest.raises(OAuthError, match="invalid_grant"):
        suite.redeem(answer, request)
    answer = suite.authorize(request)
    assert suite.redeem(answer, request | {"verifier": verifier})["access_token"]


def age_codes(database, seconds):
    """Subtract `seconds` from the redemption time of every authorization code in the SQLite file `database`."""
    with closing(sqlite3.connect(database, timeout=30)) as file, file:
        columns = [row[1] for row in file.execute("PRAGMA table_info(tokens_authorizationcode)")]
        assert "redeemed_at" in columns
        file.execute(
            "UPDATE tokens_authorizationcode SET redeemed_at = strftime('%Y-%m-%d %H:%M:%f', redeemed_at, ?)"
            " WHERE redeemed_at IS NOT NULL",
            (f"-{seconds} seconds",),
        )
