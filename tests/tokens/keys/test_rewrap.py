"""Private keys of a ring are encrypted again, with the first of the issuer's encryption keys (KEY_ENCRYPTION_KEYS)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.tokens.factories import operation
from tests.tokens.keys.by_hand import by_hand
from tests.tokens.keys.steps import cancel_key, problems, run
from tokens.conf import issuer
from tokens.encryption import parse
from tokens.keys import keyring, store
from tokens.keys.errors import CannotOpen
from tokens.keys.rewrap import rewrap
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db


def test_rewrapping_seals_every_row_under_the_first_encrypting_key():
    run()
    old, new = issuer().encryption_keys()[0], parse(["N" * 43])[0]
    assert rewrap(operation(encryption_keys=(new, old))).step == "rewrapped"
    assert all(row.verifies([new]) and row.open([new]) for row in store.load("default"))
    assert rewrap(operation(encryption_keys=(new,))).step == "nothing"
    with pytest.raises(CannotOpen):
        rewrap(operation(encryption_keys=(old,)))


def test_with_another_secret_key_only_the_encrypting_keys_verify_rows_until_a_rewrap(settings):
    run()
    settings.SECRET_KEY = "another" * 9
    keyring.snapshots.forget()
    assert keyring.signer(now=timezone.now())
    assert {problem.code for problem in problems()} == {"not_vouched"}
    assert rewrap(operation()).step == "rewrapped"
    assert problems() == []


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_row_that_was_changed_by_hand_is_not_made_genuine_by_rewrapping(cancelled):
    run()
    new = parse(["N" * 43])[0]
    changed = SigningKey.objects.get(signs_at=None)
    if cancelled:
        cancel_key(changed.kid)
    by_hand(SigningKey.objects.filter(pk=changed.pk), max_lifetime=timedelta(days=400))
    with pytest.raises(CannotOpen):
        rewrap(operation(encryption_keys=(new, *issuer().encryption_keys())))
