"""Further rings: create one, announce its keys, move an API to it without losing a token, keep it apart from others."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.tokens.factories import API, OTHER_API, basic, make_client, operation, post
from tests.tokens.keys.by_hand import by_hand
from tokens import conf
from tokens.clients import client_secret
from tokens.keys import cancellation, keyring, publication, rotation, store, transfer
from tokens.keys.errors import NotReady, UnknownKey, Unsafe, WrongRing
from tokens.keys.revocation import revoke
from tokens.keys.rings import RingKind
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import Api, AuditEvent, Ring, SigningKey

pytestmark = pytest.mark.django_db

ES256 = RingKind(algorithm="ES256")


class Clock:
    """The database's clock and this node's, moved by hand."""

    def __init__(self):
        self.now = store.database_now()

    def wait(self, **duration):
        self.now += timedelta(**duration)
        keyring.snapshots.forget()


@pytest.fixture
def clock():
    moved = Clock()
    keyring.snapshots.forget()
    with (
        patch("tokens.keys.store.database_now", side_effect=lambda: moved.now),
        patch("django.utils.timezone.now", side_effect=lambda: moved.now),
    ):
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
    """Create the default ring and a ring `orders` of another algorithm, which the API accepts."""
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
    """Return True if the token verifies by the JWKS of `ring`."""
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


def test_a_new_ring_s_first_key_is_announced_and_its_jwks_shows_the_default_ring_s_too(client, clock, orders):
    first = SigningKey.objects.get(ring=orders, signs_at__isnull=False)
    assert first.signs_at >= first.announced_at + PRODUCTION.propagation
    assert SigningKey.objects.filter(ring=orders, signs_at=None).count() == 1
    own = set(SigningKey.objects.filter(ring=orders).values_list("kid", flat=True))
    assert set(keys(client, "orders")) == own | set(keys(client))
    assert not own & set(keys(client)), "jwks_uri omits it"


def test_a_move_breaks_no_token_at_any_moment_whichever_jwks_the_api_reads(client, clock, orders, service):
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


def operate(*identifiers):
    """Return the client as which these APIs introspect tokens."""
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
    "put_off", [put_off_by_revoking, put_off_by_cancelling, put_off_by_longer_timings], ids=lambda one: one.__name__
)
def test_until_the_new_ring_s_first_key_signs_the_previous_ring_does_however_that_is_put_off(
    client, clock, orders, service, put_off
):
    planned = move(clock, "orders")
    clock.wait(hours=1)
    put_off(clock)
    start = min(one.key.start for one in store.load("orders") if one.key.start)
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
    """Nodes read the keys of the previous ring as late as that ring's own timings allow."""
    slow = replace(PRODUCTION, api_copy=timedelta(hours=40))
    by_hand(Ring.objects.filter(name="default"), policy=slow.to_json())
    clock.wait(days=3)
    assert move(clock, "orders").at >= clock.now + slow.propagation


def test_the_takeover_waits_for_clocks_that_differ(clock, orders):
    first = SigningKey.objects.get(ring=orders, signs_at__isnull=False)
    assert move(clock, "orders").at >= first.signs_at + 2 * PRODUCTION.clock_error


def test_a_ring_s_jwks_is_kept_no_longer_than_any_ring_that_it_shows_allows(client, clock, orders):
    short = replace(PRODUCTION, shared_cache=timedelta(seconds=60))
    by_hand(Ring.objects.filter(name="default"), policy=short.to_json())
    keyring.snapshots.forget()
    assert client.get("/.well-known/jwks.json")["Cache-Control"] == "public, max-age=60, must-revalidate"
    assert client.get("/.well-known/jwks/orders.json")["Cache-Control"] == "public, max-age=60, must-revalidate"


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


def test_one_ring_that_fails_stops_no_other(clock, orders, capsys, settings):
    row = SigningKey.objects.filter(ring=orders).first()
    by_hand(SigningKey.objects.filter(pk=row.pk), max_lifetime=timedelta(days=9))
    with pytest.raises(CommandError) as failed:
        call_command("rotate_keys")
    printed = capsys.readouterr()
    assert failed.value.returncode == 5
    assert printed.out.startswith("nothing due")
    assert "orders: " in printed.err


@pytest.mark.parametrize(
    "options", [{"algorithm": "ES256"}, {"move": API}, {"cancel": "kid", "now": True}, {"bits": 3072}]
)
def test_options_that_do_not_go_together_exit_with_2(options):
    with pytest.raises(CommandError) as failed:
        call_command("rotate_keys", **options)
    assert failed.value.returncode == 2
