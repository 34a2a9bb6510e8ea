"""Further key rings beside the default one.

The tests create a ring, announce its keys, move an API to it without losing a token, and check that rings are separate.
"""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from tests.tokens.factories import API, OTHER_API, operation
from tests.tokens.keys.by_hand import by_hand
from tests.tokens.keys.moved_apis import ES256, algorithm, clock, introspected, move, operate, orders, rotate, token
from tokens.keys import keyring, rings
from tokens.keys.errors import Unsafe
from tokens.keys.revocation import revoke
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import Api, Ring, SigningKey

__all__ = ["clock", "orders"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("moved", "expected"), [((API,), "RS256"), ((API, OTHER_API), "ES256")])
def test_a_client_of_several_apis_gets_responses_of_their_ring_if_it_is_one(
    client, clock, orders, service, moved, expected
):
    Api.objects.update(algorithms=["RS256", "ES256"])
    notes = operate(API, OTHER_API)
    clock.now = max(move(clock, "orders", api).settled_at for api in moved)
    keyring.snapshots.forget()
    assert algorithm(introspected(client, notes, token(client, service))) == expected


def test_a_client_of_no_api_gets_responses_of_the_default_ring(client, clock, orders, service):
    clock.now = move(clock, "orders").settled_at
    keyring.snapshots.forget()
    assert algorithm(introspected(client, service, token(client, service))) == "RS256"


def test_a_further_ring_waits_for_the_default_one(clock):
    with pytest.raises(Unsafe, match="make it first"):
        rotate(clock, "orders", kind=ES256)


def test_a_dry_run_makes_no_ring(clock, orders):
    assert rotate(clock, "trial", kind=ES256, dry_run=True).step == "created"
    assert not Ring.objects.filter(name="trial").exists()


def test_revoking_a_ring_s_first_key_before_it_signs_gives_the_standby_a_safe_start(clock, orders):
    first = SigningKey.objects.get(ring=orders, signs_at__isnull=False)
    done = revoke(operation(clock.now), first.kid, reason="test")
    assert done.outage_until is None
    successor = SigningKey.objects.get(kid=done.successor)
    assert successor.signs_at >= successor.announced_at + PRODUCTION.propagation


@pytest.mark.urls("project.urls.issuer")
def test_a_ring_that_cannot_sign_is_named_although_the_issuer_is_ready(client, clock, orders):
    assert client.get("/readyz").json() == {"status": "ok"}, "its first key is to come"
    clock.wait(days=3)
    assert client.get("/readyz").json() == {"status": "ok"}
    by_hand(SigningKey.objects.filter(ring=orders), max_lifetime=timedelta(days=9))
    keyring.snapshots.forget()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert response.json()["attention"] == ["ring orders: no key may sign right now"]
    by_hand(SigningKey.objects.all(), max_lifetime=timedelta(days=9))
    keyring.snapshots.forget()
    assert client.get("/readyz").status_code == 503


def test_one_ring_that_fails_stops_no_other(clock, orders, capsys, settings):
    row = SigningKey.objects.filter(ring=orders).first()
    by_hand(SigningKey.objects.filter(pk=row.pk), max_lifetime=timedelta(days=9))
    with pytest.raises(CommandError) as failed:
        call_command("rotate_keys")
    printed = capsys.readouterr()
    assert failed.value.returncode == 5
    assert printed.out.startswith("nothing due")
    assert "orders: " in printed.err


def test_a_rotation_begins_with_the_default_ring_even_if_it_does_not_exist():
    assert rings.to_rotate() == ["default"]
    for name in ("orders", "accounts"):
        Ring.objects.create(name=name, algorithm="ES256", policy=PRODUCTION.to_json())
    assert rings.to_rotate() == ["default", "accounts", "orders"]
    Ring.objects.create(name="default", algorithm="RS256", policy=PRODUCTION.to_json())
    assert rings.to_rotate() == ["default", "accounts", "orders"]


def test_a_ring_without_keys_is_not_among_the_rings_with_keys(clock, orders):
    Ring.objects.create(name="a-trial", algorithm="ES256", policy=PRODUCTION.to_json())
    Ring.objects.create(name="accounts", algorithm="ES256", policy=PRODUCTION.to_json())
    rotate(clock, "accounts")
    assert rings.with_keys() == ["default", "accounts", "orders"]
    assert rings.names() == ["default", "a-trial", "accounts", "orders"]
