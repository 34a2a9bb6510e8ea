"""Revocation (RFC 7009) and introspection (RFC 7662, RFC 9701) over HTTP."""

import json
from datetime import timedelta

import jwt
import pytest
from django.db.models import Count
from django.utils import timezone

from tests.tokens.factories import API, basic, make_client, post, redeem
from tokens.clients import client_secret
from tokens.issued import revocation_record
from tokens.models import AuditEvent, Revocation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

CREDENTIALS = {"grant_type": "client_credentials", "scope": "notes:read"}


@pytest.fixture
def token(client, service):
    return post(client, "/oauth/token", CREDENTIALS, **basic("service", service.plain)).json()["access_token"]


@pytest.fixture
def api_client(apis):
    """Return the client that an API uses for its own requests to the issuer."""
    made = make_client("api", "client_credentials")
    made.plain = client_secret.create(made, now=timezone.now())
    apis[API].client = made
    apis[API].save()
    return made


@pytest.fixture
def other_service(apis):
    made = make_client("stranger", "client_credentials")
    made.plain = client_secret.create(made, now=timezone.now())
    return made


def revoke(browser, by, **form):
    return post(browser, "/oauth/revoke", form, **basic(by.client_id, by.plain))


def introspect(browser, by, token, **extra):
    return post(browser, "/oauth/introspect", {"token": token}, **basic(by.client_id, by.plain), **extra)


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def is_revoked(token):
    return revocation_record.is_revoked(claims_of(token), kid="test-key")


def test_a_revoked_token_is_recorded_and_the_trail_says_who_did_it(client, service, token, caplog):
    caplog.set_level("INFO", "tokens.audit")
    response = revoke(client, service, token=token, token_type_hint="access_token")
    assert (response.status_code, response.content, response["Cache-Control"]) == (200, b"", "no-store")
    assert is_revoked(token)
    [event] = [json.loads(line) for line in caplog.messages if '"token.revoked"' in line]
    assert (event["actor"], event["subject"]) == ("client:service", f"token:{claims_of(token)['jti']}")
    assert token not in caplog.text
    assert not AuditEvent.objects.filter(action="token.revoked").exists(), "that is done too often for a row"


def test_a_public_client_revokes_by_its_name(client, spa, code):
    token = redeem(client, spa, code(spa)).json()["access_token"]
    assert post(client, "/oauth/revoke", {"token": token, "client_id": "spa"}).status_code == 200
    assert is_revoked(token)


@pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.e30", "x" * 9000])
def test_what_is_no_token_needs_no_revocation(client, service, token):
    """A text that is not a token is answered 200 (RFC 7009 section 2.2)."""
    assert revoke(client, service, token=token).status_code == 200
    assert not Revocation.objects.exists()


@pytest.mark.parametrize(("ago", "is_kept"), [(300 + 60, True), (300 + 2 * 60 + 5, False)])
def test_an_expired_token_is_revoked_if_an_api_can_still_accept_it(client, service, token, at, ago, is_kept):
    """An expired token is revoked if an API might still accept it.

    An API might accept it until `exp` plus the API's leeway plus twice the largest error of a clock.
    """
    at(timezone.now() + timedelta(seconds=600 + ago))
    assert revoke(client, service, token=token).status_code == 200
    assert Revocation.objects.exists() == is_kept


def test_revocations_of_many_tokens_revoke_no_other_token(client, spa, webapp, code, user):
    """Revocations of single tokens are never merged into one that covers more tokens, however many there are."""
    own = [redeem(client, spa, code(spa)).json()["access_token"] for _ in range(2)]
    other = redeem(client, webapp, code(webapp)).json()["access_token"]
    for number in range(300):
        revocation_record.revoke_token(str(number), expires_at=timezone.now() + timedelta(minutes=10))
    assert post(client, "/oauth/revoke", {"token": own[0], "client_id": "spa"}).status_code == 200
    assert is_revoked(own[0])
    assert not is_revoked(own[1])
    assert not is_revoked(other)
    assert list(Revocation.objects.values_list("kind").annotate(Count("key"))) == [("jti", 301)]


REFUSED = {
    "7009 2.1: another client's token": (
        lambda token: {"token": token},
        400,
        {"error": "invalid_grant", "error_description": "The token was issued to another client."},
    ),
    "7009 2.1: no token": (
        lambda _: {"token_type_hint": "access_token"},
        400,
        {"error": "invalid_request", "error_description": "Missing token parameter."},
    ),
    "6749 3.2: a parameter twice": (
        lambda token: {"token": [token, token]},
        400,
        {"error": "invalid_request", "error_description": "The token parameter occurs more than once."},
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_revocation_is_refused(client, other_service, token, row):
    form, status, body = REFUSED[row]
    response = revoke(client, other_service, **form(token))
    assert (response.status_code, response.json(), response["Cache-Control"]) == (status, body, "no-store")
    assert not is_revoked(token)


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
def test_who_does_not_prove_itself_is_refused(client, service, token, path):
    """The error for wrong or missing credentials is invalid_client (RFC 6749 section 5.2).

    Requests by another method, in another format or with a query string are refused as well.
    """
    for extra in ({}, basic("service", "wrong"), basic("nobody", service.plain)):
        response = post(client, path, {"token": token}, **extra)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
        challenge = 'Basic realm="token endpoint", charset="UTF-8"' if extra else None
        assert response.get("WWW-Authenticate") == challenge, "a browser answers a challenge with a password box"
    assert client.get(path).status_code == 405
    assert client.post(path, {"token": token}, content_type="application/json").status_code == 415
    assert post(client, f"{path}?token=x", {"token": token}, **basic("service", service.plain)).status_code == 400


def test_the_client_and_the_api_of_a_token_can_introspect_it(client, service, api_client, token):
    expected = {"active": True, "token_type": "Bearer"} | claims_of(token)
    for asking in (service, api_client):
        response = introspect(client, asking, token)
        assert (response.status_code, response.json(), response["Cache-Control"]) == (200, expected, "no-store")


def test_a_token_is_inactive_for_every_other_client(client, other_service, spa, token):
    """RFC 7662 section 4. A public client does not authenticate, so it may not introspect."""
    assert introspect(client, other_service, token).json() == {"active": False}
    assert post(client, "/oauth/introspect", {"token": token, "client_id": "spa"}).status_code == 401
    device = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    assert post(client, "/oauth/introspect", {"token": token, "client_id": "spa"} | device).status_code == 401


def test_a_revoked_or_malformed_token_is_inactive(client, service, token):
    revoke(client, service, token=token)
    assert introspect(client, service, token).json() == {"active": False}
    for text in ("x", "a.b.c", f"{token}x"):
        assert introspect(client, service, text).json() == {"active": False}


def test_a_disabled_user_s_token_is_not_active(client, webapp, code, user):
    token = redeem(client, webapp, code(webapp)).json()["access_token"]
    assert introspect(client, webapp, token).json()["active"] is True
    user.is_active = False
    user.save()
    assert introspect(client, webapp, token).json() == {"active": False}


@pytest.mark.parametrize(
    ("accept", "is_signed"),
    [
        ("application/token-introspection+jwt", True),
        ("APPLICATION/Token-Introspection+JWT", True),
        ("application/token-introspection+jwt, application/json;q=0.5", True),
        ("application/json, application/token-introspection+jwt;q=0.1", False),
        ("application/token-introspection+jwt;q=0", False),
        ("application/token-introspection+jwtx", False),
        ("*/*", False),
    ],
)
def test_the_answer_is_signed_if_the_accept_header_prefers_a_jwt(client, service, token, accept, is_signed):
    """The answer is a JWT if the Accept header prefers its media type (RFC 9701 section 4, RFC 9110 section 12.5.1)."""
    response = introspect(client, service, token, HTTP_ACCEPT=accept)
    assert response.status_code == 200
    wanted = "application/token-introspection+jwt" if is_signed else "application/json"
    assert response["Content-Type"] == wanted


def test_the_signed_answer_has_the_claims_of_rfc_9701(client, service, token, decode):
    """The signed answer has the claims of RFC 9701 section 5."""
    response = introspect(client, service, token, HTTP_ACCEPT="application/token-introspection+jwt")
    assert response["Content-Type"] == "application/token-introspection+jwt"
    header, claims = decode(response.content.decode(), "service")
    assert header == {"alg": "RS256", "kid": "test-key", "typ": "token-introspection+jwt"}
    assert claims.keys() == {"iss", "aud", "iat", "token_introspection"}
    assert claims["iss"] == "http://localhost:8000"
    assert claims["token_introspection"] == {"active": True, "token_type": "Bearer"} | claims_of(token)
