"""Rings (sets of signing keys) between which APIs move. A test sets the clock."""

from datetime import timedelta

import jwt
import pytest
from django.utils import timezone

from tests.clock import clocks_at
from tests.tokens.factories import API, basic, make_client, operation, post
from tokens.clients import client_secret
from tokens.keys import keyring, rotation, store, transfer
from tokens.keys.rings import RingKind
from tokens.models import Api, Ring

ES256 = RingKind(algorithm="ES256")


class Clock:
    """The time that both the database's clock and this node's clock show. A test sets it."""

    def __init__(self):
        self.now = store.database_now()

    def wait(self, **duration):
        self.now += timedelta(**duration)
        keyring.snapshots.forget()


@pytest.fixture
def clock(db):
    moved = Clock()
    keyring.snapshots.forget()
    with clocks_at(lambda: moved.now):
        yield moved
    keyring.snapshots.forget()


def rotate(clock, ring="default", **options):
    outcome = rotation.rotate(operation(clock.now), ring, **options)
    keyring.snapshots.forget()
    return outcome


def move(clock, ring, api=API):
    planned = transfer.move(operation(clock.now), api, ring)
    keyring.snapshots.forget()
    return planned


@pytest.fixture
def orders(clock, apis):
    """Create the default ring and a ring `orders` with another algorithm, and return the ring `orders`.

    The API of the tests (`API`) accepts both algorithms.
    """
    rotate(clock)
    rotate(clock, "orders", kind=ES256)
    Api.objects.filter(identifier=API).update(algorithms=["RS256", "ES256"])
    return Ring.objects.get(name="orders")


def token(client, service, scope="notes:read"):
    answer = post(
        client, "/oauth/token", {"grant_type": "client_credentials", "scope": scope}, **basic("service", service.plain)
    )
    assert answer.status_code == 200, answer.content
    return answer.json()["access_token"]


def keys(client, ring=None):
    return {
        key["kid"]: key
        for key in client.get(f"/.well-known/jwks/{ring}.json" if ring else "/.well-known/jwks.json").json()["keys"]
    }


def verifies(client, text, ring=None):
    """Return True if the JWKS of the key ring named `ring` verifies the token `text`.

    If `ring` is None, use the JWKS of the default ring. Returns False if the JWKS lacks the token's kid. Fails if the
    signature is wrong.
    """
    header = jwt.get_unverified_header(text)
    if header["kid"] not in keys(client, ring):
        return False
    jwk = jwt.PyJWK(keys(client, ring)[header["kid"]])
    return bool(
        jwt.decode(
            text,
            jwk.key,
            algorithms=[header["alg"]],
            options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
        )
    )


def operate(*identifiers):
    """Return a client that introspects tokens for these APIs."""
    caller = make_client("notes")
    caller.plain = client_secret.create(caller, now=timezone.now())
    Api.objects.filter(identifier__in=identifiers).update(client=caller)
    return caller


def introspected(client, caller, text):
    """Return the signed introspection response about a token (RFC 9701)."""
    answer = post(
        client,
        "/oauth/introspect",
        {"token": text},
        HTTP_ACCEPT="application/token-introspection+jwt",
        **basic(caller.client_id, caller.plain),
    )
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def algorithm(text):
    return jwt.get_unverified_header(text)["alg"]
