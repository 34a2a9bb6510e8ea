"""The issuer gives every JWT of tests/jwt_cases.json the verdict in that table."""

from datetime import UTC, datetime

import pytest

from tests.jwt_cases import NOW, Case, cases
from tokens.issued import token_reader
from tokens.issued.token_reader import InvalidPresentedToken


def verdict(text: str) -> str:
    try:
        token_reader.read(text, now=datetime.fromtimestamp(NOW, UTC))
    except InvalidPresentedToken as error:
        return str(error)
    return ""


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_issuer_reads_a_token_as_the_table_says(signer, case: Case):
    assert verdict(case.text(kid=signer.kid, sign=signer.sign)) == case.issuer
