"""A step of key rotation verifies every row and every private key of the ring, even if it changes none of them."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.tokens.factories import operation
from tests.tokens.keys.by_hand import by_hand
from tests.tokens.keys.default_ring import ring
from tokens.encryption import parse
from tokens.keys import material, proof, rotation
from tokens.keys.errors import CannotOpen
from tokens.keys.rules.lifecycle import Phase
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import SigningKey

__all__ = ["ring"]


@dataclass
class Mismatched:
    """A key pair whose public key does not belong to its private key."""

    pair: material.Material
    jwk: dict[str, str]
    kid = "mismatched"

    def sign(self, message):
        return self.pair.sign(message)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_probe_accepts_halves_that_belong_together_only(algorithm):
    first, second = material.generate(algorithm), material.generate(algorithm)
    proof.probe(first)
    with pytest.raises(CannotOpen, match="does not belong to its public half"):
        proof.probe(Mismatched(first, second.jwk))


@pytest.mark.django_db
def test_a_step_with_nothing_due_refuses_a_wrong_encrypting_key(ring):
    assert ring.rotate().step == "nothing"
    with ring.at(), pytest.raises(CannotOpen, match="does not verify under KEY_ENCRYPTION_KEYS"):
        rotation.rotate(operation(ring.now, encryption_keys=parse(["W" * 43])))


@pytest.mark.django_db
def test_a_step_with_nothing_due_refuses_a_row_that_was_changed_by_hand(ring):
    standby = SigningKey.objects.filter(kid=ring.kid(Phase.ANNOUNCED))
    by_hand(standby, max_lifetime=timedelta(days=9))
    with pytest.raises(CannotOpen, match=f"{standby.get().kid} does not verify"):
        ring.rotate()


@pytest.mark.django_db
def test_a_step_with_nothing_due_refuses_a_private_half_of_another_row(ring):
    signing, standby = (SigningKey.objects.filter(kid=ring.kid(phase)) for phase in (Phase.SIGNING, Phase.ANNOUNCED))
    by_hand(standby, sealed=bytes(signing.get().sealed))
    with pytest.raises(CannotOpen, match="a private key does not decrypt"):
        ring.rotate()


@pytest.mark.django_db
def test_a_destroyed_private_half_needs_no_proof(ring):
    ring.now = ring.rotate(early=True).at + PRODUCTION.last_signature
    assert ring.rotate().step == "destroyed"
    assert ring.rotate().step == "nothing"
