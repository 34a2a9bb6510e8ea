"""An operator cancels a signing key that is announced, before it signs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.tokens.keys.steps import at, cancel_key, run
from tokens.keys import keyring, publication
from tokens.keys.errors import UnknownKey, Unsafe
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import AuditEvent, SigningKey

pytestmark = pytest.mark.django_db


def test_a_cancelled_standby_is_replaced_at_once_and_never_published_again():
    run()
    standby = SigningKey.objects.get(signs_at=None)
    assert cancel_key(standby.kid).step == "cancelled"
    standby.refresh_from_db()
    assert (standby.sealed, standby.cancelled_at is None) == (None, False)
    keyring.snapshots.forget()
    assert standby.kid not in {key.kid for key in publication.published(now=timezone.now())}
    assert SigningKey.objects.filter(signs_at=None, cancelled_at=None).count() == 1
    assert AuditEvent.objects.filter(action="key.cancelled", subject=f"key:{standby.kid}").exists()


def test_if_a_planned_key_is_cancelled_the_standby_replaces_it_and_every_promise_holds():
    run()
    planned = run(early=True).kid
    outcome = cancel_key(planned)
    successor = SigningKey.objects.get(kid=outcome.kid)
    assert outcome.at == successor.signs_at >= successor.announced_at + PRODUCTION.propagation
    first = SigningKey.objects.get(cancelled_at=None, withdraw_at__isnull=False)
    assert first.withdraw_at >= outcome.at + PRODUCTION.last_acceptance(first.max_lifetime)
    assert keyring.signer(now=timezone.now()).kid == first.kid


def test_a_key_that_signs_in_a_moment_or_has_signed_is_not_cancelled():
    run()
    first = SigningKey.objects.get(signs_at__isnull=False)
    with pytest.raises(UnknownKey, match="is not announced"):
        cancel_key(first.kid)
    planned = run(early=True)
    for early in (PRODUCTION.last_signature, timedelta(0)):
        with at(planned.at - early), pytest.raises(Unsafe, match="too soon") if early else pytest.raises(UnknownKey):
            cancel_key(planned.kid)
    with pytest.raises(UnknownKey):
        cancel_key("nobody")
