"""The seal (MAC) of a key's row covers the whole row.

A row that was changed in spite of the database's rules is not used.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.tokens.factories import operation
from tests.tokens.keys.by_hand import by_hand
from tokens.keys import keyring, publication, store
from tokens.keys.cancellation import cancel
from tokens.keys.errors import NotReady
from tokens.keys.revocation import revoke
from tokens.keys.rings import RingKind
from tokens.keys.rotation import rotate
from tokens.models import Ring, SigningKey

pytestmark = pytest.mark.django_db
LONG_AGO, FAR = datetime(2020, 1, 1, tzinfo=UTC), datetime(2900, 1, 1, tzinfo=UTC)


@pytest.fixture
def first():
    """Create two rings with the same algorithm, and return the signing key of the default ring."""
    rotate(operation(store.database_now()))
    rotate(operation(store.database_now()), "orders", kind=RingKind(algorithm="RS256"))
    return SigningKey.objects.get(ring__name="default", signs_at__isnull=False)


CHANGES = {
    "ring": lambda: Ring.objects.get(name="orders"),
    "kid": lambda: "another",
    "public_jwk": lambda: SigningKey.objects.filter(signs_at=None).first().public_jwk,
    "max_lifetime": lambda: timedelta(days=400),
    "announced_at": lambda: LONG_AGO,
    "signs_at": lambda: LONG_AGO,
    "withdraw_at": lambda: FAR,
    "revoked_at": lambda: FAR,
    "cancelled_at": lambda: FAR,
    "private_destroyed_at": lambda: FAR,
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_key_with_one_column_changed_by_hand_neither_signs_nor_is_published(first, column):
    assert in_use() == {first.kid}
    by_hand(SigningKey.objects.filter(pk=first.pk), **{column: CHANGES[column]()})
    assert in_use() == set()
    assert published() == {key.kid for key in SigningKey.objects.filter(signs_at=None, ring__name="default")}
    assert first.public_jwk["n"] not in {key.jwk["n"] for key in publication.published("orders", now=timezone.now())}


SEALS = {"encryption_key_id": "0" * 8, "mac": b"another", "vouched": b"another"}


@pytest.mark.parametrize("column", SEALS)
def test_either_seal_is_enough_to_be_published_and_only_the_encrypting_key_s_to_sign(first, column):
    by_hand(SigningKey.objects.filter(pk=first.pk), **{column: SEALS[column]})
    assert in_use() == ({first.kid} if column == "vouched" else set())
    assert first.kid in published()


def test_without_both_seals_a_key_neither_signs_nor_is_published(first):
    by_hand(SigningKey.objects.filter(pk=first.pk), mac=b"another", vouched=b"another")
    assert in_use() == set()
    assert first.kid not in published()


def test_a_private_half_from_elsewhere_signs_nothing(first):
    """The public key in the row is unchanged, so existing tokens can still be verified."""
    by_hand(
        SigningKey.objects.filter(pk=first.pk), sealed=bytes(SigningKey.objects.filter(signs_at=None).first().sealed)
    )
    assert in_use() == set()
    assert first.kid in published()


@pytest.mark.parametrize(("column", "value"), [("name", "renamed"), ("algorithm", "PS256")])
def test_a_ring_that_was_changed_by_hand_has_no_key(first, column, value):
    by_hand(Ring.objects.filter(name="default"), **{column: value})
    with pytest.raises(NotReady):
        keyring.signer("renamed" if column == "name" else "default", now=timezone.now())
    assert publication.published("renamed" if column == "name" else "default", now=timezone.now()) == ()


def test_a_revoked_or_cancelled_key_whose_date_is_removed_by_hand_is_not_published(first):
    standby = SigningKey.objects.get(ring__name="default", signs_at=None)
    cancel(operation(store.database_now()), standby.kid)
    revoke(operation(store.database_now()), first.kid, reason="leaked", accept_outage=True)
    for kid, column in ((standby.kid, "cancelled_at"), (first.kid, "revoked_at")):
        by_hand(SigningKey.objects.filter(kid=kid), **{column: None})
    assert published() == set(
        SigningKey.objects.filter(ring__name="default")
        .exclude(kid__in=[standby.kid, first.kid])
        .values_list("kid", flat=True)
    )


def test_every_column_is_changed_by_a_test():
    """The tests above change every column of a key's row, except the row's id and the reason of a revocation.

    The encrypted private key has a test of its own, outside of the tables CHANGES and SEALS. The reason is only text.
    """
    columns = {field.name for field in SigningKey._meta.concrete_fields}
    assert columns - CHANGES.keys() - SEALS.keys() == {"id", "sealed", "revoke_reason"}
    assert set(store.DATES) <= CHANGES.keys()


def in_use():
    keyring.snapshots.forget()
    try:
        return {keyring.signer(now=timezone.now()).kid}
    except NotReady:
        return set()


def published():
    keyring.snapshots.forget()
    return {key.kid for key in publication.published(now=timezone.now())}
