"""An API gives every JWT of tests/jwt_cases.json the verdict in that table."""

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

from resources.errors import InvalidToken
from resources.issuer_trust import TrustedIssuer
from resources.jose.jwk import judge
from resources.keysets.key_pins import PinnedKeys
from resources.testing import at, shared_key
from resources.verify import verify
from tests.jwt_cases import NOW, TABLE, Case, cases

RS256 = frozenset({"RS256"})
KEY = shared_key()
ISSUER = TrustedIssuer(TABLE["claims"]["iss"], RS256, PinnedKeys([judge(KEY.jwk, algorithms=RS256)]))


def sign(message: bytes) -> bytes:
    return KEY.private.sign(message, padding.PKCS1v15(), SHA256())


def verdict(text: str) -> str:
    try:
        verify(text, issuers={ISSUER.url: ISSUER}, audience=frozenset({TABLE["claims"]["aud"]}), now=at(NOW))
    except InvalidToken as error:
        return error.reason.name
    return ""


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_an_api_reads_a_token_as_the_table_says(case: Case) -> None:
    assert verdict(case.text(kid=KEY.kid, sign=sign)) == case.api
