"""The lookup keys of the revocation feed."""

import json
from pathlib import Path

import pytest

from tokens.issued import revocation_key

CASES = json.loads((Path(__file__).resolve().parents[2] / "revocation_cases.json").read_text())


@pytest.mark.parametrize("case", CASES["keys"], ids=lambda case: case["kind"])
def test_a_key_is_half_the_hash_of_kind_and_identifier(case):
    assert revocation_key.key(case["kind"], case["identifier"]).hex == case["key"]
