"""Clients that publish their keys at a URL (`jwks_uri`).

The issuer fetches the keys when it needs them, and caches them. After a fetch, it pauses before it fetches again.
"""

import json
import threading
import time
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.resources.loopback import Loopback
from tests.tokens.factories import make_client, post
from tests.tokens.test_outbound import answer
from tokens.clients import jwks_uri, key_copy

pytestmark = pytest.mark.django_db
ISSUER = "http://localhost:8000"


class Publisher:
    """A client that publishes its keys on loopback, and authenticates by one of them."""

    def __init__(self, server):
        self.server, self.keys = server, {}
        self.add("one")

    def add(self, kid):
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())
        self.publish(*self.keys)

    def publish(self, *kids, name=None):
        shown = [
            json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.keys[kid].public_key())) | {"kid": name or kid}
            for kid in kids
        ]
        self.server.answers["/keys"] = answer(json.dumps({"keys": shown}).encode())

    @property
    def fetches(self):
        return self.server.fetches("/keys")

    def request_token(self, browser, kid="one", name=None):
        now = int(time.time())
        claims = {"iss": "own", "sub": "own", "aud": ISSUER, "jti": uuid.uuid4().hex, "iat": now, "exp": now + 60}
        return post(
            browser,
            "/oauth/token",
            {
                "grant_type": "client_credentials",
                "scope": "notes:read",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": jwt.encode(claims, self.keys[kid], algorithm="ES256", headers={"kid": name or kid}),
            },
        ).status_code


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

    monkeypatch.setattr(jwks_uri, "time", type("Time", (), {"monotonic": staticmethod(lambda: Clock.now)}))
    jwks_uri.forget()
    yield Clock
    jwks_uri.forget()


@pytest.fixture
def own(apis, signer, settings, clock):
    settings.DEBUG = True  # its keys are on loopback
    server = Loopback()
    made = make_client("own", "client_credentials", client_jwks_uri=f"{server.url}/keys")
    made.token_endpoint_auth_method = "private_key_jwt"
    made.save()
    yield Publisher(server)
    server.stop()


def landed():
    """Wait until no fetch of keys is running."""
    for thread in threading.enumerate():
        if thread.name == "client-keys":
            thread.join(60)


def test_a_client_authenticates_by_a_published_key_which_is_fetched_once(client, own):
    assert [own.request_token(client) for _ in range(3)] == [200, 200, 200]
    assert own.fetches == 1


def test_an_unknown_kid_causes_a_fetch_at_most_twice_a_minute(client, own, clock):
    assert own.request_token(client) == 200
    own.add("two")
    assert own.request_token(client, "two") == 401, "asked a moment ago"
    clock.now += key_copy.PAUSE
    assert own.request_token(client, "two") == 200
    own.keys["never"] = ec.generate_private_key(ec.SECP256R1())
    clock.now += key_copy.PAUSE
    assert [own.request_token(client, "never") for _ in range(20)] == [401] * 20
    assert own.fetches == 3


def test_a_removed_key_is_refused_once_the_copy_is_old(client, own, clock):
    own.add("two")
    assert own.request_token(client) == 200
    own.publish("two")
    clock.now += key_copy.REFRESH - 1
    assert own.request_token(client) == 200
    assert own.fetches == 1
    clock.now += 1
    assert own.request_token(client) == 200, "nobody waits for the fetch that this begins"
    landed()
    assert own.request_token(client) == 401


def test_the_copy_is_used_for_an_hour_while_the_address_does_not_answer(client, own, clock):
    assert own.request_token(client) == 200
    own.server.answers["/keys"] = answer(b"", status=500)
    clock.now += key_copy.KEPT
    assert own.request_token(client) == 200
    landed()
    clock.now += 1
    assert own.request_token(client) == 401


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "AA"}]}', b"<html>"]
)
def test_a_document_that_is_no_jwks_authenticates_no_client(client, own, body):
    own.server.answers["/keys"] = answer(body)
    assert own.request_token(client) == 401


def test_of_several_keys_under_one_kid_each_is_tried(client, own):
    own.add("two")
    own.add("three")
    own.publish("two", "one", name="same")
    assert [own.request_token(client, kid, name="same") for kid in ("one", "two", "three")] == [200, 200, 401]


def test_a_client_that_publishes_many_keys_authenticates_by_any_of_them(client, own):
    for number in range(30):
        own.keys[f"{number}"] = own.keys["one"]
    own.publish(*own.keys)
    assert own.request_token(client, "29") == 200


def test_a_private_address_is_fetched_in_development_only(client, own, settings):
    settings.DEBUG = False
    assert own.request_token(client) == 401
    assert own.fetches == 0
