"""Each DPoP proof is accepted once.

The database row about a proof is purged when no process accepts the proof any longer.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from tokens.dpop import replay
from tokens.dpop.proof import InvalidProof, Proof
from tokens.models import UsedProof
from tokens.revoking import purge

pytestmark = pytest.mark.django_db


def test_a_proof_is_accepted_once():
    now = timezone.now()
    replay.use_once(Proof("key", "one"), now=now)
    with pytest.raises(InvalidProof, match="its jti was used before"):
        replay.use_once(Proof("key", "one"), now=now)


def test_another_key_may_use_the_same_identifier_and_the_key_another_one():
    for proof in (Proof("key", "one"), Proof("other", "one"), Proof("key", "two")):
        replay.use_once(proof, now=timezone.now())
    assert UsedProof.objects.count() == 3


def test_the_row_is_purged_after_the_proof_expired_on_every_node_and_not_before():
    now = timezone.now()
    replay.use_once(Proof("key", "one"), now=now)
    assert purge.count("used proofs", now=now + replay.KEPT) == 0
    assert purge.count("used proofs", now=now + replay.KEPT + timedelta(minutes=5)) == 1


def test_the_row_holds_neither_the_key_nor_the_identifier():
    replay.use_once(Proof("key", "one"), now=timezone.now())
    row = UsedProof.objects.get()
    assert len(bytes(row.digest)) == 32
    assert str(row) == bytes(row.digest).hex()[:12]
