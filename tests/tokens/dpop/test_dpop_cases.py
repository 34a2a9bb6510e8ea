"""The issuer gives every DPoP proof of tests/dpop_cases.json the verdict in that table."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.dpop_cases import NOW, ProofCase, cases
from tokens.dpop import proof, replay
from tokens.dpop.proof import InvalidProof, Proof, ProofContext

AT = datetime.fromtimestamp(NOW, UTC)
REASONS = {
    "it is not a single JWT": "header",
    "it requires an extension": "crit",
    "its jti was used before": "replay",
    "its signature": "signature",
}
"""How reasons begin, by the name of the check. Other reasons begin with the name itself: its htm, its jwk."""
CASES = cases("issuer")
PLAIN = [case for case in CASES if not case.earlier]
REPEATED = [case for case in CASES if case.earlier]


def name(reason: str) -> str:
    return next((check for start, check in REASONS.items() if reason.startswith(start)), reason.split()[1])


def accepted(case: ProofCase) -> Proof:
    return proof.check(case.value() or "", ProofContext(method=case.method, url=case.uri, now=AT))


def verdict(check: Callable[[], object]) -> str:
    """Return the name of the check that refuses the proof, or "" if it is accepted."""
    try:
        check()
    except InvalidProof as error:
        return name(str(error))
    return ""


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
def test_the_issuer_checks_a_proof_as_the_table_says(case: ProofCase):
    assert verdict(lambda: accepted(case)) == case.refused
    if not case.refused:
        assert accepted(case).thumbprint == case.jkt


@pytest.mark.django_db
@pytest.mark.parametrize("case", REPEATED, ids=lambda case: case.name)
def test_a_proof_that_was_presented_before_is_refused(case: ProofCase):
    for earlier in case.before():
        replay.use_once(accepted(earlier), now=AT)
    valid, at = accepted(case), AT + timedelta(seconds=case.later)
    assert verdict(lambda: replay.use_once(valid, now=at)) == case.refused


def test_the_table_has_enough_forged_and_replayed_proofs_for_the_issuer():
    assert sum(bool(case.refused) for case in CASES) >= 100
