"""Signing keys, tokens and JWKS together: the published key with a token's kid verifies the token."""

import jwt
import pytest

from tests.tokens.factories import API, basic, operation, post, redeem
from tests.tokens.feed_reader import decode, entries_of, key
from tokens.keys import keyring, revocation, rotation
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db

TOKEN_REQUEST = {"grant_type": "client_credentials", "scope": "notes:read"}


@pytest.fixture
def ring(db):
    rotation.rotate(operation())


def verify(client, token, audience):
    kid = jwt.get_unverified_header(token)["kid"]
    keys = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json())
    return jwt.decode(token, keys[kid].key, algorithms=["RS256"], audience=audience)


def test_a_service_s_token_verifies_by_the_published_key(client, ring, service):
    token = post(client, "/oauth/token", TOKEN_REQUEST, **basic("service", service.plain)).json()["access_token"]
    assert verify(client, token, API)["sub"] == "service"


def test_a_user_s_tokens_verify_by_the_published_key(client, ring, webapp, code, user):
    body = redeem(client, webapp, code(webapp)).json()
    assert verify(client, body["access_token"], API)["sub"] == str(user.sub)
    assert verify(client, body["id_token"], "webapp")["nonce"] == "n-1"


@pytest.mark.urls("project.urls.issuer")
def test_before_the_first_key_nothing_is_signed(client, service):
    response = post(client, "/oauth/token", TOKEN_REQUEST, **basic("service", service.plain))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert client.get("/readyz").status_code == 503


def test_the_feed_names_a_revoked_key_and_is_signed_by_its_successor(client, ring):
    stolen = SigningKey.objects.get(signs_at__isnull=False).kid
    revocation.revoke(operation(), stolen, reason="stolen", accept_outage=True)
    keyring.snapshots.forget()
    text = client.get("/oauth/revocations").content.decode()
    kid = jwt.get_unverified_header(text)["kid"]
    keys = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json())
    assert kid != stolen
    claims = jwt.decode(text, keys[kid].key, algorithms=["RS256"])
    assert set(entries_of(decode(claims["entries"]))) == {key("kid", stolen)}
