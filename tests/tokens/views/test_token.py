"""The token endpoint.

Valid requests get token responses. All other requests get errors in the form of RFC 6749.
"""

from datetime import timedelta

import pytest
from django.test.client import MULTIPART_CONTENT
from django.utils import timezone

from tests.tokens.factories import API, OTHER_API, basic, make_client, post, redeem
from tokens.keys import keyring
from tokens.keys.errors import NotReady
from tokens.models import Api, AuditEvent, AuthorizationCode, Client, UserGrant

CREDENTIALS = {"grant_type": "client_credentials", "scope": "notes:read"}


def request_token(browser, service, /, **changes):
    return post(browser, "/oauth/token", CREDENTIALS | changes, **basic("service", service.plain))


def test_a_service_gets_a_token_as_rfc_9068_writes_it(client, service, decode):
    response = request_token(client, service)
    body = response.json()
    header, claims = decode(body.pop("access_token"), API)
    assert (response.status_code, body) == (
        200,
        {"token_type": "Bearer", "expires_in": 600, "scope": "notes:read"},
    )
    assert header == {"alg": "RS256", "kid": "test-key", "typ": "at+jwt"}
    assert claims.pop("exp") - claims.pop("iat") == 600
    assert len(claims.pop("jti")) == 32
    assert claims == {
        "iss": "http://localhost:8000",
        "sub": "service",
        "aud": API,
        "client_id": "service",
        "scope": "notes:read",
    }
    assert response["Cache-Control"] == "no-store"
    assert response["Pragma"] == "no-cache"


def test_a_token_for_a_service_writes_no_row(client, service, signer, django_assert_max_num_queries):
    request_token(client, service)
    with django_assert_max_num_queries(1) as queries:
        assert request_token(client, service).status_code == 200
    assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)


def test_a_user_s_token_and_id_token_say_who_logged_in_and_when(client, webapp, code, user, decode):
    body = redeem(client, webapp, code(webapp)).json()
    _, access = decode(body["access_token"], API)
    header, identity = decode(body["id_token"], "webapp")
    grant = UserGrant.objects.get()
    assert header == {"alg": "RS256", "kid": "test-key", "typ": "JWT"}
    assert access["sub"] == identity["sub"] == str(user.sub)
    assert access["auth_time"] == identity["auth_time"] == int(grant.auth_time.timestamp())
    assert access["grant_id"] == str(grant.id)
    assert (identity["nonce"], identity["amr"], identity["acr"]) == ("n-1", ["pwd"], "urn:keyturn:acr:password")
    assert len(identity["at_hash"]) == 22
    assert "refresh_token" not in body


def test_a_token_for_the_user_s_identity_alone_is_for_the_issuer(client, webapp, code, decode):
    body = redeem(client, webapp, code(webapp, scope="openid profile")).json()
    assert decode(body["access_token"], "http://localhost:8000")[1]["scope"] == "openid profile"


def test_a_public_client_redeems_its_code_by_pkce_alone(client, spa, code, signer):
    assert redeem(client, spa, code(spa)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"code_verifier": None}, "invalid_grant", id="RFC 7636 4.6: verifier missing"),
        pytest.param({"code_verifier": "x" * 43}, "invalid_grant", id="RFC 7636 4.6: another verifier"),
        pytest.param({"redirect_uri": None}, "invalid_request", id="RFC 6749 4.1.3: redirect URI missing"),
        pytest.param({"redirect_uri": "https://client.example/other"}, "invalid_grant", id="RFC 6749 5.2"),
        pytest.param({"code": None}, "invalid_request", id="RFC 6749 4.1.3: code missing"),
        pytest.param({"code": "guess"}, "invalid_grant", id="RFC 6749 5.2: unknown code"),
        pytest.param({"resource": OTHER_API}, "invalid_target", id="RFC 8707 2.2: another resource"),
    ],
)
def test_a_wrong_redemption_is_refused_and_the_code_stays_good(client, webapp, code, signer, changes, error):
    issued = code(webapp)
    response = redeem(client, webapp, issued, **changes)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert redeem(client, webapp, issued).status_code == 200


USED = {"error": "invalid_grant", "error_description": "The authorization code was used before."}


@pytest.mark.parametrize("which", ["webapp", "spa"])
@pytest.mark.parametrize(("seconds", "revoked"), [(0, False), (9, False), (10, False), (11, True), (3600, True)])
def test_a_code_is_refused_the_second_time_and_its_grant_revoked_after_the_retry_window(
    client, request, code, signer, at, which, seconds, revoked
):
    of = request.getfixturevalue(which)
    issued, start = code(of), timezone.now()
    at(start)
    assert redeem(client, of, issued).status_code == 200
    at(start + timedelta(seconds=seconds))
    for _ in range(2):
        assert redeem(client, of, issued).json() == USED
    grant = UserGrant.objects.get()
    assert (grant.revoked_at is not None, grant.revoke_reason) == (revoked, "code used twice" if revoked else "")
    assert AuditEvent.objects.filter(action="grant.reuse_detected").count() == int(revoked)


def test_a_repeated_redemption_at_a_node_whose_clock_is_behind_revokes_nothing(client, webapp, code, signer, at):
    issued, start = code(webapp), timezone.now()
    assert redeem(client, webapp, issued).status_code == 200
    at(start - timedelta(seconds=55))
    assert redeem(client, webapp, issued).json() == USED
    assert UserGrant.objects.get().revoked_at is None


def test_reuse_of_a_code_without_its_verifier_revokes_nothing(client, webapp, code, signer):
    issued = code(webapp)
    redeem(client, webapp, issued)
    assert redeem(client, webapp, issued, code_verifier="x" * 43).status_code == 400
    assert UserGrant.objects.get().revoked_at is None


def test_a_code_is_of_no_use_to_another_client(client, webapp, spa, code, signer):
    assert redeem(client, spa, code(webapp)).json()["error"] == "invalid_grant"


def test_a_code_expires_after_a_minute(client, webapp, code, signer, monkeypatch):
    issued = code(webapp)
    kept = AuthorizationCode.objects.get()
    assert kept.expires_at - kept.grant.created_at == timedelta(minutes=1)
    monkeypatch.setattr(keyring, "clock", lambda *, now: kept.expires_at)
    assert redeem(client, webapp, issued).json() == {
        "error": "invalid_grant",
        "error_description": "The authorization code is unknown, expired, or another client's.",
    }
    monkeypatch.setattr(keyring, "clock", lambda *, now: kept.expires_at - timedelta(microseconds=1))
    assert redeem(client, webapp, issued).status_code == 200


def test_the_code_itself_is_not_stored(client, webapp, code, signer):
    issued = code(webapp)
    assert issued not in str(AuthorizationCode.objects.values().get())


def test_a_deactivated_user_gets_nothing_for_a_code(client, webapp, code, user, signer):
    issued = code(webapp)
    type(user).objects.update(is_active=False)
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"


def test_a_deactivated_client_gets_nothing(client, service, signer):
    Client.objects.update(is_active=False)
    assert request_token(client, service).status_code == 401


def test_without_a_signer_the_answer_is_503_and_the_code_stays_good(client, webapp, code, signer, monkeypatch):
    issued = code(webapp)

    def nothing(ring="default", *, now):
        raise NotReady("no key", retry_after=7)

    with monkeypatch.context() as patch:
        patch.setattr(keyring, "signer", nothing)
        response = redeem(client, webapp, issued)
        assert (response.status_code, response["Retry-After"], response["Cache-Control"]) == (503, "7", "no-store")
        assert response.json()["error"] == "temporarily_unavailable"
    assert redeem(client, webapp, issued).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        pytest.param({"scope": "unknown"}, 400, "invalid_scope", id="RFC 6749 5.2: unknown scope"),
        pytest.param({"scope": "other:read"}, 400, "invalid_scope", id="RFC 6749 5.2: not this client's"),
        pytest.param({"scope": "openid"}, 400, "invalid_scope", id="OIDC Core 3.1.2.1: no user, no openid"),
        pytest.param({"resource": OTHER_API}, 400, "invalid_target", id="RFC 8707 2: not this client's"),
        pytest.param({"resource": f"{API}v1"}, 400, "invalid_target", id="RFC 8707 2: not the same string"),
        pytest.param({"resource": [API, OTHER_API]}, 400, "invalid_target", id="RFC 8707 2: several"),
        pytest.param({"grant_type": None}, 400, "invalid_request", id="RFC 6749 5.2: no grant type"),
        pytest.param({"grant_type": "password"}, 400, "unsupported_grant_type", id="RFC 9700 2.4"),
        pytest.param({"grant_type": "implicit"}, 400, "unsupported_grant_type", id="RFC 9700 2.1.2"),
        pytest.param({"grant_type": "refresh_token"}, 400, "unauthorized_client", id="RFC 6749 5.2: not allowed"),
        pytest.param(
            {"grant_type": "authorization_code"}, 400, "unauthorized_client", id="RFC 6749 5.2: not its grant"
        ),
        pytest.param({"scope": ["notes:read", "notes:read"]}, 400, "invalid_request", id="RFC 6749 3.2: repeated"),
        pytest.param({"scope": "notes:read\0"}, 400, "invalid_request", id="RFC 6749 A.4: control character"),
        pytest.param({"client_secret": "x"}, 400, "invalid_request", id="RFC 6749 2.3: two methods"),
        pytest.param({"client_id": "webapp"}, 400, "invalid_request", id="RFC 6749 2.3: two clients"),
    ],
)
def test_a_wrong_request_gets_the_rfc_s_error(client, service, signer, changes, status, error):
    form = {name: value for name, value in (CREDENTIALS | changes).items() if value is not None}
    response = post(client, "/oauth/token", form, **basic("service", service.plain))
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response["Cache-Control"] == "no-store"


def test_a_public_client_cannot_act_for_itself(client, apis, signer):
    make_client("app", "client_credentials", public=True)
    response = post(client, "/oauth/token", CREDENTIALS | {"client_id": "app"})
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


def test_undeclared_parameters_change_nothing(client, service, user, decode):
    extra = {"user": str(user.pk), "sub": str(user.sub), "client": "webapp", "scopes": "notes:write", "claims": "{}"}
    claims = decode(request_token(client, service, **extra).json()["access_token"], API)[1]
    assert (claims["sub"], claims["client_id"], claims["scope"]) == ("service", "service", "notes:read")


def test_a_nonce_posted_to_the_token_endpoint_is_not_in_the_id_token(client, webapp, code, decode):
    body = redeem(client, webapp, code(webapp, nonce=None), nonce="injected").json()
    assert "nonce" not in decode(body["id_token"], "webapp")[1]


def test_only_forms_are_read(client, service):
    extra = {"content_type": MULTIPART_CONTENT, **basic("service", service.plain)}
    response = client.post("/oauth/token", {"grant_type": "client_credentials", "scope": "notes:read"}, **extra)
    assert (response.status_code, response.json()["error"]) == (415, "invalid_request")


def test_parameters_in_the_address_are_refused(client, service):
    response = post(client, "/oauth/token?scope=notes:read", CREDENTIALS, **basic("service", service.plain))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_a_body_too_large_is_refused(client, service):
    response = post(client, "/oauth/token", {"scope": "x" * 70_000}, **basic("service", service.plain))
    assert (response.status_code, response.json()["error"]) == (413, "invalid_request")


def test_get_is_not_allowed(client):
    response = client.get("/oauth/token")
    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("client_s", "api_s", "key_s", "expected"),
    [
        (None, None, 3600, 600),
        (120, None, 3600, 120),
        (None, 60, 3600, 60),
        (120, 60, 3600, 60),
        (60, 120, 3600, 60),
        (7200, None, 3600, 3600),
        (None, None, 30, 30),
    ],
)
def test_a_token_is_valid_as_long_as_client_api_and_key_allow(
    client, service, decode, signer, monkeypatch, client_s, api_s, key_s, expected
):
    seconds = {"client": client_s, "api": api_s, "key": key_s}
    limits = {name: None if value is None else timedelta(seconds=value) for name, value in seconds.items()}
    Client.objects.update(access_token_lifetime=limits["client"])
    Api.objects.update(max_token_lifetime=limits["api"])
    monkeypatch.setattr(signer, "max_lifetime", limits["key"], raising=False)
    body = request_token(client, service).json()
    claims = decode(body["access_token"], API)[1]
    assert (body["expires_in"], claims["exp"] - claims["iat"]) == (expected, expected)


@pytest.mark.parametrize(
    ("issuer_s", "client_s", "api_s", "expected"),
    [
        (None, None, None, 600),
        (120, None, None, 120),
        (1200, None, None, 1200),
        (120, 240, None, 240),
        (120, 240, 60, 60),
    ],
)
def test_a_token_is_valid_as_long_as_the_setting_says_unless_the_client_or_the_api_says_otherwise(
    client, service, decode, settings, issuer_s, client_s, api_s, expected
):
    limits = [None if value is None else timedelta(seconds=value) for value in (issuer_s, client_s, api_s)]
    settings.ISSUER = settings.ISSUER | {"ACCESS_TOKEN_LIFETIME": limits[0]}
    Client.objects.update(access_token_lifetime=limits[1])
    Api.objects.update(max_token_lifetime=limits[2])
    body = request_token(client, service).json()
    claims = decode(body["access_token"], API)[1]
    assert (body["expires_in"], claims["exp"] - claims["iat"]) == (expected, expected)
