"""The JWKS endpoint: its keys, its cache headers, and its answers if the issuer has no keys."""

import json

import jwt
import pytest
from django.core.management import call_command
from django.utils import timezone

from tokens.keys import keyring
from tokens.keys.refresher import RINGS, Refresher

pytestmark = pytest.mark.django_db
URL = "/.well-known/jwks.json"


def test_before_the_first_key_the_jwks_is_503_and_not_an_empty_set(client):
    response = client.get(URL)
    assert (response.status_code, response["Cache-Control"], response["Retry-After"]) == (503, "no-store", "5")


def test_the_jwks_has_public_keys_only_and_the_cache_lifetime_of_the_policy(client):
    call_command("rotate_keys")
    response = client.get(URL)
    keys = response.json()["keys"]
    assert [set(key) for key in keys] == [{"kty", "use", "alg", "kid", "n", "e"}] * 2
    assert response["Content-Type"] == "application/jwk-set+json"
    assert response["Cache-Control"] == "public, max-age=300, must-revalidate"
    assert response["Access-Control-Allow-Origin"] == "*"


def test_the_current_etag_gets_304_and_another_does_not(client):
    call_command("rotate_keys")
    etag = client.get(URL)["ETag"]
    current = client.get(URL, headers={"if-none-match": etag})
    assert (current.status_code, current.content, current["ETag"]) == (304, b"", etag)
    assert client.get(URL, headers={"if-none-match": '"other"'}).status_code == 200


def test_head_is_permitted_and_post_is_not(client):
    call_command("rotate_keys")
    assert client.head(URL).status_code == 200
    assert client.post(URL).status_code == 405


def test_a_foreign_library_verifies_what_the_signer_signed(client):
    call_command("rotate_keys")
    signer = keyring.signer(now=timezone.now())
    head = jwt.utils.base64url_encode(json.dumps({"alg": signer.algorithm, "kid": signer.kid}).encode())
    message = head + b"." + jwt.utils.base64url_encode(b'{"sub":"me"}')
    token = message + b"." + jwt.utils.base64url_encode(signer.sign(message))
    keys = jwt.PyJWKSet.from_dict(client.get(URL).json())
    assert jwt.decode(token, keys[signer.kid], algorithms=["RS256"]) == {"sub": "me"}


def test_a_warm_process_sends_no_statement_for_the_jwks(client, django_assert_num_queries):
    call_command("rotate_keys")
    client.get(URL)
    with django_assert_num_queries(0):
        client.get(URL)


def test_an_invented_ring_sends_no_statement_while_the_background_refresh_has_all_names(
    client, monkeypatch, django_assert_num_queries
):
    call_command("rotate_keys")
    refresher = Refresher((RINGS,))
    monkeypatch.setattr("tokens.views.jwks.refresher", refresher)
    refresher.look(clock=timezone.now)
    monkeypatch.setattr(refresher, "is_alive", lambda: True)
    with django_assert_num_queries(0):
        assert client.get("/.well-known/jwks/invented.json").status_code == 404
        assert client.get("/.well-known/jwks/default.json").status_code == 200
