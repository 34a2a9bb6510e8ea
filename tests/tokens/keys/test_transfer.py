"""An API moves to another key ring at a date in the future, and no valid token is refused.

If a move is impossible, it is not planned, and the error names the reason.
"""

from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from django.core.management import call_command

from tests.tokens.factories import API, OTHER_API, operation
from tests.tokens.keys.by_hand import by_hand
from tests.tokens.keys.moved_apis import ES256, clock, move, orders, rotate, token, verifies
from tokens.keys import cancellation, keyring, publication, rotation, store
from tokens.keys.errors import UnknownKey, Unsafe, WrongRing
from tokens.keys.revocation import revoke
from tokens.keys.rings import RingKind
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import Api, AuditEvent, Ring, SigningKey

__all__ = ["clock", "orders"]

pytestmark = pytest.mark.django_db


def test_a_move_breaks_no_token_at_any_moment_for_either_jwks_that_the_api_reads(client, clock, orders, service):
    before = token(client, service)
    planned = move(clock, "orders")
    assert planned.at >= clock.now + PRODUCTION.propagation
    assert planned.at > SigningKey.objects.get(ring=orders, signs_at__isnull=False).signs_at
    clock.now = planned.at - timedelta(seconds=1)
    keyring.snapshots.forget()
    last = token(client, service)
    assert jwt.get_unverified_header(last)["alg"] == "RS256", "until then the default ring signs"
    assert verifies(client, last, "orders")
    clock.wait(seconds=1)
    first = token(client, service)
    assert jwt.get_unverified_header(first)["alg"] == "ES256"
    assert verifies(client, first, "orders")
    assert not verifies(client, first), "the API reads its ring's JWKS by now; jwks_uri never shows it"
    clock.now = planned.settled_at - timedelta(seconds=1)
    keyring.snapshots.forget()
    assert verifies(client, last, "orders")
    assert verifies(client, before, "orders"), "the key is published: the age of the token is not checked"
    clock.wait(seconds=1)
    assert not verifies(client, last, "orders"), "from here on a stolen default key does not reach this API"
    assert planned.settled_at >= planned.at + PRODUCTION.last_acceptance(timedelta(hours=1))


def test_a_ring_that_signs_already_takes_over_only_when_every_api_has_its_keys(client, clock, orders):
    clock.wait(days=30)
    planned = move(clock, "orders")
    assert planned.at == clock.now + PRODUCTION.propagation, "a copy of its JWKS may be that old"


def test_an_api_moves_back_as_safely(client, clock, orders, service):
    there = move(clock, "orders")
    clock.now = there.settled_at
    keyring.snapshots.forget()
    back = move(clock, "default")
    assert verifies(client, token(client, service), "orders")
    clock.now = back.at
    keyring.snapshots.forget()
    text = token(client, service)
    assert jwt.get_unverified_header(text)["alg"] == "RS256"
    assert verifies(client, text, "orders"), "it goes on reading the ring's JWKS until it reads jwks_uri again"
    assert verifies(client, text)
    clock.now = back.settled_at
    keyring.snapshots.forget()
    assert verifies(client, token(client, service), "orders")


def test_two_apis_are_on_rings_of_their_own_and_the_other_api_stays_on_the_default(client, clock, orders, service):
    service.scopes.add(*Api.objects.get(identifier=OTHER_API).scopes.all())
    planned = move(clock, "orders")
    clock.now = planned.settled_at
    keyring.snapshots.forget()
    assert jwt.get_unverified_header(token(client, service))["alg"] == "ES256"
    assert jwt.get_unverified_header(token(client, service, "other:read"))["alg"] == "RS256"


@pytest.mark.parametrize(
    ("refused", "error", "because"),
    [
        (lambda clock: move(clock, "nowhere"), UnknownKey, "no ring"),
        (lambda clock: move(clock, "orders", "https://nobody.example/"), UnknownKey, "no API"),
        (lambda clock: move(clock, "default"), WrongRing, "on the ring 'default' already"),
        (lambda clock: move(clock, "orders", OTHER_API), WrongRing, "accepts RS256"),
        (lambda clock: (move(clock, "orders"), move(clock, "default")), Unsafe, "is moving"),
        (lambda clock: rotate(clock, "typo"), UnknownKey, "no ring 'typo'"),
        (
            lambda clock: rotate(clock, "orders", kind=RingKind(algorithm="RS256")),
            WrongRing,
            "cannot be changed to RS256",
        ),
        (lambda clock: rotate(clock, "default", kind=ES256), WrongRing, "cannot be changed to ES256"),
        (lambda clock: rotate(clock, "new", kind=RingKind(algorithm="RS256", bits=1024)), WrongRing, "1024"),
        (lambda clock: rotate(clock, "new", kind=RingKind(algorithm="none")), WrongRing, "none"),
        (lambda clock: rotate(clock, "new", kind=RingKind(algorithm="ES256", bits=2048)), WrongRing, "is fixed"),
    ],
)
def test_a_step_that_would_break_a_token_or_a_ring_is_refused_with_its_reason(clock, orders, refused, error, because):
    with pytest.raises(error, match=because):
        refused(clock)
    assert set(Ring.objects.values_list("name", flat=True)) == {"default", "orders"}


def revoke_all(clock, ring):
    revoke(operation(clock.now), None, ring=ring, reason="leaked")
    keyring.snapshots.forget()


def put_off_by_revoking(clock):
    revoke_all(clock, "orders")


def put_off_by_cancelling(clock):
    first = SigningKey.objects.get(ring__name="orders", signs_at__isnull=False).kid
    cancellation.cancel(operation(clock.now), first)
    keyring.snapshots.forget()


def put_off_by_longer_timings(clock):
    longer = replace(PRODUCTION, api_copy=timedelta(hours=30))
    rotation.rotate(operation(clock.now, policy=longer), "orders")
    keyring.snapshots.forget()


@pytest.mark.parametrize(
    "put_off",
    [put_off_by_revoking, put_off_by_cancelling, put_off_by_longer_timings],
    ids=lambda put_off: put_off.__name__,
)
def test_until_the_new_ring_s_first_key_signs_the_previous_ring_does_however_that_is_put_off(
    client, clock, orders, service, put_off
):
    planned = move(clock, "orders")
    clock.wait(hours=1)
    put_off(clock)
    start = min(stored.key.start for stored in store.load("orders") if stored.key.start)
    takes_over = max(start, planned.at)
    for at, algorithm in (
        (planned.at - timedelta(seconds=1), "RS256"),
        (takes_over - timedelta(seconds=1), "RS256"),
        (takes_over, "ES256"),
    ):
        clock.now = at
        keyring.snapshots.forget()
        text = token(client, service)
        assert jwt.get_unverified_header(text)["alg"] == algorithm
        assert verifies(client, text, "orders")
        assert publication.public_key(jwt.get_unverified_header(text)["kid"], audience=API, now=clock.now)


def test_a_move_between_two_rings_of_their_own_breaks_no_token(client, clock, orders, service):
    clock.now = move(clock, "orders").settled_at
    keyring.snapshots.forget()
    rotate(clock, "fresh", kind=RingKind(algorithm="EdDSA"))
    Api.objects.filter(identifier=API).update(algorithms=["ES256", "EdDSA"])
    clock.wait(days=3)
    planned = move(clock, "fresh")
    for moment, algorithm in ((planned.at - timedelta(seconds=1), "ES256"), (planned.at, "EdDSA")):
        clock.now = moment
        keyring.snapshots.forget()
        text = token(client, service)
        assert jwt.get_unverified_header(text)["alg"] == algorithm
        assert verifies(client, text, "orders")
        assert verifies(client, text, "fresh")
    clock.now = planned.settled_at
    keyring.snapshots.forget()
    assert not verifies(client, text.replace(text, token(client, service)), "orders")


def test_a_move_goes_by_the_slower_of_both_rings(clock, orders):
    """A move waits as long as the longer timings of the two rings require.

    In this test, the previous ring has longer timings than the new ring.
    """
    slow = replace(PRODUCTION, api_copy=timedelta(hours=40))
    by_hand(Ring.objects.filter(name="default"), policy=slow.to_json())
    clock.wait(days=3)
    assert move(clock, "orders").at >= clock.now + slow.propagation


def test_the_takeover_waits_for_clocks_that_differ(clock, orders):
    first = SigningKey.objects.get(ring=orders, signs_at__isnull=False)
    assert move(clock, "orders").at >= first.signs_at + 2 * PRODUCTION.clock_error


def test_an_algorithm_that_signs_an_api_s_tokens_is_not_taken_from_it(admin_client, clock, orders):
    move(clock, "orders")
    api = Api.objects.get(identifier=API)
    form = {"name": api.name, "identifier": api.identifier, "scopes-TOTAL_FORMS": "0", "scopes-INITIAL_FORMS": "0"}
    for left, refused in (
        ('["ES256"]', "RS256 is in use: the ring default"),
        ('["RS256"]', "ES256 is in use: the ring"),
    ):
        page = admin_client.post(f"/admin/tokens/api/{api.pk}/change/", form | {"algorithms": left})
        assert refused in page.content.decode()
    answer = admin_client.post(f"/admin/tokens/api/{api.pk}/change/", form | {"algorithms": '["RS256", "ES256"]'})
    assert answer.status_code == 302


def test_a_move_is_audited_with_its_instants(clock, orders):
    planned = move(clock, "orders")
    event = AuditEvent.objects.get(action="api.moved")
    assert (event.subject, event.details["at"]) == (f"api:{API}", planned.at.isoformat())
    assert event.details["policy"]["api_copy"] == 86400.0


def test_the_command_makes_a_ring_moves_an_api_and_then_takes_a_step_of_every_ring(apis, capsys):
    call_command("rotate_keys")
    call_command("rotate_keys", ring="orders", algorithm="EdDSA")
    Api.objects.filter(identifier=API).update(algorithms=["EdDSA"])
    call_command("rotate_keys", ring="orders", move=API)
    assert f"the ring orders signs for {API} from" in capsys.readouterr().out
    call_command("rotate_keys")
    out = capsys.readouterr().out.splitlines()
    assert (len(out), out[1].startswith("orders: already planned")) == (2, True)
