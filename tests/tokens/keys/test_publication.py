"""The JWKS of a key ring, and the tokens that can be verified with it."""

import time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import jwt
import pytest

from tests.tokens.factories import API, OTHER_API, basic, post
from tests.tokens.keys.by_hand import by_hand
from tests.tokens.keys.moved_apis import algorithm, clock, introspected, keys, move, operate, orders, token, verifies
from tests.tokens.keys.test_signer_choice import DAY, MINUTE, NEW, NOW, OLD, ring
from tokens import conf
from tokens.keys import keyring, publication
from tokens.keys.errors import NotReady
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import Ring, SigningKey

__all__ = ["clock", "orders"]
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("instant", "kids"),
    [
        pytest.param(NOW + MINUTE - SECOND, ["old", "new"], id="before the switch"),
        pytest.param(NOW + MINUTE + SECOND, ["new", "old"], id="after the switch"),
        pytest.param(NOW + 9 * DAY - SECOND, ["new", "old"], id="before the withdrawal"),
        pytest.param(NOW + 9 * DAY + SECOND, ["new"], id="after the withdrawal"),
    ],
)
@pytest.mark.parametrize("earlier", [NOW, NOW + 2 * MINUTE, NOW + 10 * DAY])
def test_a_jwks_has_the_keys_of_its_instant_although_the_snapshot_stays_the_same(monkeypatch, earlier, instant, kids):
    """The old key is replaced a minute after NOW, and withdrawn nine days after NOW."""
    snapshot = replace(ring(OLD, NEW), monotonic=time.monotonic())
    monkeypatch.setattr(keyring, "snapshots", SimpleNamespace(get=lambda _ring, now: snapshot, forget=lambda: None))
    publication.published(now=earlier)
    assert [key.kid for key in publication.published(now=instant)] == kids


def test_a_new_ring_s_first_key_is_announced_and_its_jwks_shows_the_default_ring_s_too(client, clock, orders):
    first = SigningKey.objects.get(ring=orders, signs_at__isnull=False)
    assert first.signs_at >= first.announced_at + PRODUCTION.propagation
    assert SigningKey.objects.filter(ring=orders, signs_at=None).count() == 1
    own = set(SigningKey.objects.filter(ring=orders).values_list("kid", flat=True))
    assert set(keys(client, "orders")) == own | set(keys(client))
    assert not own & set(keys(client)), "jwks_uri omits it"


def test_a_key_of_one_api_s_ring_is_no_key_for_another_audience(client, clock, orders, service):
    planned = move(clock, "orders")
    clock.now = planned.settled_at
    keyring.snapshots.forget()
    stolen = keyring.signer("orders", now=clock.now).kid
    assert publication.public_key(stolen, audience=API, now=clock.now).kid == stolen
    for audience in (OTHER_API, conf.issuer().url, "https://unknown.example/"):
        assert publication.public_key(stolen, audience=audience, now=clock.now) is None
    default = keyring.signer(now=clock.now).kid
    assert publication.public_key(default, audience=API, now=clock.now) is None


def test_the_feed_of_a_ring_verifies_by_the_ring_s_jwks_before_and_after_its_first_key_signs(client, clock, orders):
    for _ in range(2):
        text = client.get("/oauth/revocations/orders").content.decode()
        assert verifies(client, text, "orders")
        clock.wait(days=3)
    assert jwt.get_unverified_header(client.get("/oauth/revocations/orders").content.decode())["alg"] == "ES256"
    assert verifies(client, client.get("/oauth/revocations").content.decode())


def test_an_introspection_response_verifies_by_the_jwks_that_verifies_the_api_s_tokens(client, clock, orders, service):
    notes = operate(API)
    first = introspected(client, notes, token(client, service))
    assert verifies(client, first)
    planned = move(clock, "orders")
    clock.now = planned.at - timedelta(seconds=1)
    keyring.snapshots.forget()
    last = introspected(client, notes, token(client, service))
    assert (algorithm(last), verifies(client, last), verifies(client, last, "orders")) == ("RS256", True, True)
    for moment in (planned.at, planned.settled_at):
        clock.now = moment
        keyring.snapshots.forget()
        text = introspected(client, notes, token(client, service))
        assert (algorithm(text), verifies(client, text, "orders")) == ("ES256", True)
    assert jwt.decode(text, options={"verify_signature": False})["token_introspection"]["active"] is True


def test_if_the_api_s_ring_cannot_sign_another_ring_of_its_jwks_does_or_none(
    client, clock, orders, service, monkeypatch
):
    notes, planned = operate(API), move(clock, "orders")
    clock.now = planned.at
    keyring.snapshots.forget()
    text = token(client, service)
    sign = keyring.signer

    def down(ring="default", *, now):
        if ring == "orders":
            raise NotReady("its key store is away", retry_after=7)
        return sign(ring, now=now)

    monkeypatch.setattr(keyring, "signer", down)
    answer = introspected(client, notes, text)
    assert (algorithm(answer), verifies(client, answer, "orders")) == ("RS256", True)
    clock.now = planned.settled_at
    keyring.snapshots.forget()
    ask = {"HTTP_ACCEPT": "application/token-introspection+jwt", **basic("notes", notes.plain)}
    refused = post(client, "/oauth/introspect", {"token": text}, **ask)
    assert (refused.status_code, refused["Retry-After"]) == (503, "7")
    plain = post(client, "/oauth/introspect", {"token": text}, **basic("notes", notes.plain))
    assert plain.status_code == 200, "what is not signed needs no signer"


@pytest.mark.parametrize("path", ["/.well-known/jwks/nowhere.json", "/oauth/revocations/nowhere"])
def test_a_ring_that_is_not_there_is_404(client, clock, orders, path):
    assert client.get(path).status_code == 404


def test_once_warm_a_ring_s_jwks_asks_the_database_nothing(client, clock, orders, django_assert_num_queries):
    client.get("/.well-known/jwks/orders.json")
    with django_assert_num_queries(0):
        assert client.get("/.well-known/jwks/orders.json").status_code == 200


def test_a_ring_s_jwks_is_kept_no_longer_than_any_ring_that_it_shows_allows(client, clock, orders):
    short = replace(PRODUCTION, shared_cache=timedelta(seconds=60))
    by_hand(Ring.objects.filter(name="default"), policy=short.to_json())
    keyring.snapshots.forget()
    assert client.get("/.well-known/jwks.json")["Cache-Control"] == "public, max-age=60, must-revalidate"
    assert client.get("/.well-known/jwks/orders.json")["Cache-Control"] == "public, max-age=60, must-revalidate"
