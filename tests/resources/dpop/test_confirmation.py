"""The values of the claim `cnf` that fit a bearer token, and those that fit a token with a DPoP proof."""

from typing import Any

import pytest

from resources.dpop.confirmation import check_binding
from resources.errors import InvalidToken, Reason

JKT = "x" * 43


@pytest.mark.parametrize("cnf", [None, {}, [], "", {"jkt": JKT}, {"x5t#S256": "x"}])
def test_no_token_with_a_cnf_is_a_bearer_token(cnf: Any) -> None:
    with pytest.raises(InvalidToken) as refused:
        check_binding({"cnf": cnf}, with_proof=False)
    assert refused.value.reason is Reason.BOUND


def test_a_bearer_token_has_no_cnf_and_a_bound_one_a_thumbprint() -> None:
    check_binding({}, with_proof=False)
    check_binding({"cnf": {"jkt": JKT}}, with_proof=True)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, Reason.UNBOUND),
        *(({"cnf": cnf}, Reason.BOUND) for cnf in (None, {}, [], "x", {"jkt": JKT, "x5t#S256": "x"}, {"kid": "x"})),
        *(({"cnf": {"jkt": jkt}}, Reason.CLAIM) for jkt in (None, "", 1, [JKT], JKT[1:], JKT + "x")),
    ],
)
def test_a_proof_needs_a_token_that_is_bound_by_its_thumbprint_alone(claims: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(InvalidToken) as refused:
        check_binding(claims, with_proof=True)
    assert refused.value.reason is reason
