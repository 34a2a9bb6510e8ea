"""An API gives every DPoP proof of tests/dpop_cases.json the verdict in that table."""

import pytest

from resources.dpop.nonce import Nonces
from resources.dpop.proof import BoundRequest, Rules, check, thumbprint
from resources.dpop.replay_memory import ReplayMemory
from resources.dpop.target import Target, target
from resources.errors import InvalidProof, InvalidToken, NonceRequired
from tests.dpop_cases import ALGORITHMS, NOW, ProofCase, access_token_hash, cases

TOKEN = "the.access.token"
ATH = access_token_hash(TOKEN)
RULES = Rules(ALGORITHMS, 60)
WORDS = {
    "HEADER": "header", "TYPE": "typ", "CRITICAL": "crit", "ALGORITHM": "alg", "KEY": "jwk", "SIGNATURE": "signature",
    "ID": "jti", "METHOD": "htm", "URI": "htu", "TOKEN": "ath", "TIME": "iat", "BINDING": "binding",
}  # fmt: skip


def uri(text: str) -> Target:
    parsed = target(text)
    assert parsed
    return parsed


def verdict(case: ProofCase, memory: ReplayMemory, *, rules: Rules = RULES, seconds: float = NOW) -> str:
    request = BoundRequest(case.value(ath=ATH), case.method, uri(case.uri), TOKEN, case.jkt)
    try:
        proof = check(request, rules, seconds=seconds)
    except (InvalidProof, InvalidToken) as error:
        return WORDS[error.reason.name]
    except NonceRequired:
        return "nonce"
    return "" if memory.add(proof.digest, seconds) else "replay"


@pytest.mark.parametrize("case", cases("api"), ids=lambda case: case.name)
def test_an_api_checks_a_proof_as_the_table_says(case: ProofCase) -> None:
    memory = ReplayMemory(seconds=90)
    assert [verdict(earlier, memory) for earlier in case.before()] == [""] * len(case.earlier)
    assert verdict(case, memory, seconds=NOW + case.later) == case.refused


@pytest.mark.parametrize(("age", "expected"), [(60, ""), (60.5, "iat"), (-30, ""), (-30.5, "iat")])
def test_a_proof_is_accepted_for_a_minute_and_from_a_clock_half_a_minute_ahead(age: float, expected: str) -> None:
    good, *_ = cases("api")
    assert verdict(good, ReplayMemory(seconds=90), seconds=NOW + age) == expected


def test_with_nonces_the_nonce_counts_and_the_clock_of_the_client_does_not() -> None:
    rules = Rules(ALGORITHMS, 60, Nonces((b"key",)))
    nonce, memory = Nonces((b"key",)).current(NOW), ReplayMemory(seconds=120)
    for claims, expected in (
        ({}, "nonce"),
        ({"nonce": nonce + "x"}, "nonce"),
        ({"nonce": [nonce]}, "nonce"),
        ({"nonce": nonce, "iat": "1"}, "iat"),
        ({"nonce": nonce, "iat": 1}, ""),
    ):
        assert verdict(ProofCase("one", claims=claims), memory, rules=rules) == expected


@pytest.mark.parametrize("name", ["EdDSA", "Ed25519"])
def test_both_names_of_ed25519_are_accepted_if_they_are_in_the_list(name: str) -> None:
    case = ProofCase("one", key="ed25519", header={"alg": name}, jwk={"alg": name})
    assert verdict(case, ReplayMemory(seconds=90), rules=Rules(frozenset({name}), 60)) == ""
    assert verdict(case, ReplayMemory(seconds=90), rules=Rules(frozenset({"ES256"}), 60)) == "alg"


def test_the_thumbprint_is_that_of_the_example_of_rfc_7638() -> None:
    example = {
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
        "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
        "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
        "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    }  # fmt: skip
    assert thumbprint(example) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
