"""Signing keys whose database row does not verify, for example because an attacker changed the row.

The tests are about the steps that still work, the steps that are refused, and the remedy.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.clock import clocks_at
from tests.tokens.factories import operation
from tests.tokens.keys.by_hand import by_hand
from tokens.checks import key_health
from tokens.conf import issuer
from tokens.encryption import parse
from tokens.keys import adoption, keyring, private_keys, publication, rewrap, rotation, store
from tokens.keys.errors import CannotOpen, NotReady
from tokens.keys.revocation import revoke
from tokens.keys.rules import lifecycle
from tokens.keys.rules.policy import PRODUCTION, changed
from tokens.models import Ring, SigningKey

pytestmark = pytest.mark.django_db
LOST = "L" * 43
"""An encrypting key that KEY_ENCRYPTION_KEYS does not have any more."""


class Clock:
    """The time that both the database's clock and this node's clock show. A test sets it."""

    def __init__(self):
        self.now = store.database_now()


@pytest.fixture
def clock():
    moved = Clock()
    with clocks_at(lambda: moved.now):
        yield moved


def step(clock, *, keys=None, policy=PRODUCTION, **options):
    """Take the next step of a rotation at the clock's time, and return its outcome.

    `keys` are the encryption keys. By default, they are those of the settings. `policy` has the timings, and `options`
    are passed to `rotation.rotate`.
    """
    changes = {"encryption_keys": keys} if keys else {}
    outcome = rotation.rotate(operation(clock.now, policy=policy, **changes), **options)
    keyring.snapshots.forget()
    return outcome


def revoke_key(clock, kid, *, policy=PRODUCTION, **options):
    """Revoke one key at the clock's time, and return the outcome. If `kid` is None, revoke all keys.

    `policy` has the timings, and `options` are passed to `revoke`.
    """
    done = revoke(operation(clock.now, policy=policy), kid, reason="leaked", **options)
    keyring.snapshots.forget()
    return done


def row(phase):
    """Return the database row of the first key in the phase `phase`."""
    keys = [stored.key for stored in store.load("default")]
    match = next(key for key in keys if lifecycle.phase(key, keys, now=store.database_now()) is phase)
    return SigningKey.objects.get(kid=match.kid)


def signing_row():
    return row(lifecycle.Phase.SIGNING)


def standby_row():
    return SigningKey.objects.get(signs_at=None, revoked_at=None, cancelled_at=None)


def codes():
    """Return the codes of all problems that the check of the keys reports."""
    problems = key_health.check(policy=PRODUCTION, encryption_keys=issuer().encryption_keys(), now=timezone.now())
    return {problem.code for problem in problems}


def forge(**columns):
    """Write a row of a key without knowing a secret, and return the key's kid.

    An attacker with access to the database can do that.
    """
    pair = private_keys.Database().generate("RS256", bits=None)
    forged = SigningKey.objects.filter(signs_at__isnull=False).first()
    forged.pk, forged.kid, forged.public_jwk = None, pair.kid, pair.jwk
    for name, value in columns.items():
        setattr(forged, name, value)
    forged.save(force_insert=True)
    return pair.kid


@pytest.fixture
def mixed(clock):
    """Create a ring whose first two private keys are encrypted by an encryption key that is lost.

    Return the id of this encryption key. The standby key is encrypted by an encryption key of the settings.
    """
    lost, current = parse([LOST]), issuer().encryption_keys()
    step(clock, keys=lost)
    clock.now += timedelta(days=3)
    clock.now = step(clock, keys=(*current, *lost), early=True).at + timedelta(hours=1)
    keyring.snapshots.forget()
    return parse([LOST])[0].id


def test_a_retired_key_does_not_sign_again_if_the_row_of_its_successor_was_changed(clock):
    """If the successor's row was changed, no key signs. The other rows alone would make the retired key sign."""
    step(clock)
    clock.now += timedelta(days=3)
    clock.now = step(clock, early=True).at + timedelta(seconds=30)
    step(clock, early=True)
    changed_row, retired = signing_row(), row(lifecycle.Phase.RETIRED)
    assert retired.sealed is not None
    by_hand(SigningKey.objects.filter(pk=changed_row.pk), max_lifetime=timedelta(days=9))
    keyring.snapshots.forget()
    with pytest.raises(NotReady, match=f"{changed_row.kid}, which took over from {retired.kid}, does not verify"):
        keyring.signer(now=clock.now)


def test_a_forged_row_with_a_later_start_does_not_stop_the_signing_key(clock):
    step(clock)
    kid = signing_row().kid
    forged = forge(signs_at=clock.now, withdraw_at=clock.now + timedelta(days=9))
    clock.now += timedelta(seconds=1)
    assert keyring.signer(now=clock.now).kid == kid
    assert forged not in {key.kid for key in publication.published(now=clock.now)}
    assert codes() == {"not_genuine"}


def test_if_an_encrypting_key_is_lost_every_public_half_is_published_and_the_signer_is_not_replaced(clock, mixed):
    assert len(publication.published(now=clock.now)) == SigningKey.objects.count() == 3
    with pytest.raises(NotReady, match=f"KEY_ENCRYPTION_KEYS lacks {mixed}"):
        keyring.signer(now=clock.now)
    with pytest.raises(CannotOpen, match=mixed):
        step(clock)
    assert codes() == {"cannot_open"}


def test_a_key_whose_encrypting_key_is_lost_can_be_revoked_and_its_row_verifies_again(clock, mixed):
    clock.now += timedelta(days=3)
    done = revoke_key(clock, signing_row().kid)
    assert keyring.signer(now=clock.now).kid == done.successor
    gone = SigningKey.objects.get(kid=done.kids[0])
    assert (gone.sealed, gone.encryption_key_id) == (None, issuer().encryption_keys()[0].id)
    revoke_key(clock, row(lifecycle.Phase.RETIRED).kid)
    assert codes() == {"flush"}, "a note: the flush is to come"
    assert step(clock).step == "nothing"


def test_if_the_encrypting_key_is_lost_for_good_the_operator_can_revoke_all_with_accept_outage(clock):
    step(clock, keys=parse([LOST]))
    clock.now += timedelta(days=3)
    keyring.snapshots.forget()
    for kid in (signing_row().kid, standby_row().kid, None):
        with pytest.raises(CannotOpen, match="revoke_key --all --accept-outage makes fresh keys"):
            revoke_key(clock, kid, ring="default")
    with pytest.raises(CannotOpen, match="put the old value back"):
        revoke_key(clock, signing_row().kid, accept_outage=True)
    assert SigningKey.objects.filter(revoked_at=None).count() == SigningKey.objects.count() == 2
    done = revoke_key(clock, None, ring="default", accept_outage=True)
    assert keyring.signer(now=clock.now).kid == done.successor
    assert codes() == set()


def test_a_key_can_be_revoked_beside_a_broken_standby_which_is_not_changed(clock):
    step(clock)
    clock.now += timedelta(days=3)
    broken, leaked = standby_row(), signing_row().kid
    by_hand(SigningKey.objects.filter(pk=broken.pk), max_lifetime=timedelta(days=9))
    before = SigningKey.objects.filter(pk=broken.pk).values().get()
    done = revoke_key(clock, leaked, accept_outage=True)
    assert done.left == (broken.kid,)
    assert f"not changed, because the row does not verify: {broken.kid}" in str(done)
    assert keyring.signer(now=clock.now).kid == done.successor != broken.kid
    assert SigningKey.objects.filter(pk=broken.pk).values().get() == before


def test_all_other_keys_can_be_revoked_beside_a_broken_standby(clock):
    step(clock)
    broken, signing = standby_row(), signing_row().kid
    by_hand(SigningKey.objects.filter(pk=broken.pk), max_lifetime=timedelta(days=9))
    done = revoke_key(clock, None, ring="default", accept_outage=True)
    assert (done.kids, done.left) == ((signing,), (broken.kid,))


def test_a_broken_row_in_the_place_of_the_next_signing_key_is_named(clock):
    step(clock)
    clock.now += timedelta(days=3)
    broken = signing_row()
    by_hand(SigningKey.objects.filter(pk=broken.pk), max_lifetime=timedelta(days=9))
    with pytest.raises(CannotOpen, match=f"{broken.kid} does not verify, and is in the place"):
        revoke_key(clock, standby_row().kid)
    assert not SigningKey.objects.exclude(revoked_at=None).exists()


def test_beside_a_broken_row_a_revocation_adopts_no_timings(clock):
    step(clock)
    forge(withdraw_at=clock.now + timedelta(days=9))
    longer = changed(PRODUCTION, {"shared_cache": 3600})
    revoke_key(clock, standby_row().kid, policy=longer)
    assert adoption.obeyed(Ring.objects.get()) == PRODUCTION


@pytest.mark.parametrize(
    ("columns", "code", "published", "says"),
    [
        ({"mac": b"x"}, "not_genuine", True, "SECRET_KEY vouches for its public half"),
        ({"vouched": b"x"}, "not_vouched", True, "rotate_keys --rewrap"),
        ({"vouched": None}, "not_vouched", True, "rotate_keys --rewrap"),
        ({"mac": b"x", "vouched": b"x"}, "not_genuine", False, "it is not published"),
        ({"encryption_key_id": "00000000"}, "cannot_open", True, "lacks 00000000"),
        ({"encryption_key_id": "00000000", "vouched": b"x"}, "not_genuine", False, "it is not published"),
        ({"max_lifetime": timedelta(days=9)}, "not_genuine", False, "it is not published"),
    ],
)
def test_health_says_which_seal_is_broken_and_the_way_out(clock, columns, code, published, says):
    step(clock)
    broken = standby_row()
    by_hand(SigningKey.objects.filter(pk=broken.pk), **columns)
    keyring.snapshots.forget()
    problems = key_health.check(policy=PRODUCTION, encryption_keys=issuer().encryption_keys(), now=timezone.now())
    assert [(problem.code, says in problem.message) for problem in problems if broken.kid in problem.message] == [
        (code, True)
    ]
    assert {problem.code for problem in problems} == {code} | (set() if published else {"no_standby"})
    assert (broken.kid in {key.kid for key in publication.published(now=clock.now)}) is published


def test_rewrapping_renews_both_seals(clock):
    step(clock)
    by_hand(SigningKey.objects.all(), vouched=None)
    assert codes() == {"not_vouched"}
    assert rewrap.rewrap(operation()).step == "rewrapped"
    assert codes() == set()


def test_a_key_whose_row_a_fallback_of_secret_key_verifies_stays_published(clock, settings):
    step(clock, keys=parse([LOST]))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 9
    assert len(publication.published(now=clock.now)) == 2
    settings.SECRET_KEY_FALLBACKS = []
    keyring.snapshots.forget()
    assert publication.published(now=clock.now) == ()
    with pytest.raises(NotReady, match=f"lacks {parse([LOST])[0].id}"):
        keyring.signer(now=clock.now)
