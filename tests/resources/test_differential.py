"""PyJWT and joserfc accept every distorted token that this API accepts. Hypothesis makes the tokens.

By default, the test makes 2,000 tokens. With `pytest --hypothesis-profile=long`, it makes 100,000.
"""

import json
import os
from collections import Counter
from typing import Any

import joserfc.errors
import joserfc.jwk
import joserfc.jws
import joserfc.jwt
import jwt
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from resources.errors import InvalidRequest, InvalidToken
from resources.testing import SigningKey, base64url, compact, shared_key
from resources.verify import LEEWAY, MAX_AHEAD, credentials, verify
from tests.jwt_cases import other_spelling
from tests.resources.test_verify import ISSUER, OTHER, US, keys, trust

EXAMPLES = 100_000 if settings.get_current_profile_name() == "long" else 2_000

# The other libraries read the real clock: every instant lies far enough from every limit for the longest run.
HERE = jwt.api_jwt.datetime.now(tz=jwt.api_jwt.timezone.utc)
T = int(HERE.timestamp())
RSA = shared_key()
IMPOSTER = SigningKey(kid=RSA.kid)
TRUST = {ISSUER: trust(keys=keys(RSA))}
PYJWT_KEY = jwt.PyJWK.from_dict(RSA.jwk)
JOSERFC_KEY = joserfc.jwk.RSAKey.import_key(RSA.jwk)
ABSENT = object()

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2), st.just(10**25), st.just("\ud800"),
)  # fmt: skip
INSTANT = st.sampled_from(
    [T - 4000, T - 100, T + 6000, T + 6000.5, T + 4000, 0, -1, str(T + 6000), True, 1e300, 253402300799]
)


def usually(good: Any, others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy that mostly draws `good`, and sometimes a value of `others`.

    A token consists of many such values. About half of all tokens have at most one fault.
    """
    return st.integers(0, 15).flatmap(lambda dice: others if dice == 0 else st.just(good))


CLAIMS = st.fixed_dictionaries(
    {
        "iss": usually(ISSUER, ODD | st.sampled_from([ISSUER + "/", OTHER, ISSUER.upper(), [ISSUER], ABSENT])),
        "aud": usually(US, ODD | st.sampled_from([[US], [OTHER, US], [US, 1], [], US[:-1], {US: 1}, [[US]], ABSENT])),
        "sub": usually("alice", ODD | st.sampled_from(["a\0b", "zoë", "x" * 255, "x" * 256, ABSENT])),
        "client_id": usually("webapp", ODD | st.just(ABSENT)),
        "jti": usually("one", ODD | st.just(ABSENT)),
        "iat": usually(T, ODD | INSTANT | st.just(ABSENT)),
        "exp": usually(T + 6000, ODD | INSTANT | st.just(ABSENT)),
        "nbf": usually(ABSENT, ODD | INSTANT),
        "scope": usually("a b", ODD | st.sampled_from(["", "a  b", " a", ["a"], ABSENT])),
        "cnf": usually(ABSENT, ODD),
        "acr": usually(ABSENT, ODD),
    }
)
HEADER = st.fixed_dictionaries(
    {
        "typ": usually("at+jwt", ODD | st.sampled_from(["JWT", "AT+JWT", "application/at+jwt", "at+jwt ", ABSENT])),
        "alg": usually("RS256", ODD | st.sampled_from(["none", "HS256", "RS512", "PS256", "rs256", ABSENT])),
        "kid": usually(RSA.kid, ODD | st.sampled_from(["", "x" * 257, RSA.kid + " ", ABSENT])),
        "crit": usually(ABSENT, st.sampled_from([[], ["exp"], ["b64"], None, "exp"])),
        "b64": usually(ABSENT, st.booleans()),
        "jku": usually(ABSENT, st.just("https://evil.example")),
    }
)
# What is done to the JSON text of header or payload before it is signed.
TEXT = usually(
    "as it is",
    st.sampled_from(
        ["spaced", "doubled", "doubled other", "marked", "utf-16", "trailing", "escaped", "nested", "latin", "cut"]
    ),
)
# What is done to the finished token.
AFTER = usually(
    ("as it is", 0, ""),
    st.tuples(
        st.sampled_from(["insert", "replace", "delete", "loosen", "pad", "swap", "imposter", "drop signature"]),
        st.integers(0, 2000),
        st.sampled_from(list("A-_=.+/ \n\0é~\u0660")),
    ),
)


GOOD = {
    "iss": ISSUER,
    "aud": US,
    "sub": "alice",
    "client_id": "webapp",
    "jti": "one",
    "scope": "a b",
    "iat": T,
    "exp": T + 6000,
}


def present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def text(members: dict[str, Any], how: str) -> bytes:
    """Return the members as JSON text in the form `how`, such as "spaced", "utf-16" or "cut".

    The form "as it is" is compact JSON without a distortion.
    """
    plain = json.dumps(present(members), separators=(",", ":"))
    bent = {
        "as it is": plain.encode(),
        "spaced": ("  " + json.dumps(present(members), indent=2) + "\r\n\t").encode(),
        "doubled": (plain[:-1] + ',"sub":"alice","typ":"at+jwt"}').encode(),
        "doubled other": (plain[:-1] + ',"x":1,"x":1}').encode(),
        "marked": b"\xef\xbb\xbf" + plain.encode(),
        "utf-16": plain.encode("utf-16"),
        "trailing": plain.encode() + b"{}",
        "escaped": plain.replace("a", "\\u0061").encode(),
        "nested": (plain[:-1] + ',"x":' + "[" * 20 + "]" * 20 + "}").encode(),
        "latin": (plain[:-1] + ',"x":"é"}').encode("latin-1"),
        "cut": plain[:-1].encode(),
    }
    return bent[how]


def after(token: str, how: str, where: int, character: str) -> str:
    """Return the signed token after the change `how`, such as "insert", "pad" or "drop signature".

    With "as it is", the token is not changed. If a character is inserted, replaced or deleted, `where` is its position.
    `character` is the new character.
    """
    where %= len(token)
    parts = token.split(".")
    bent = {
        "as it is": lambda: token,
        "insert": lambda: token[:where] + character + token[where:],
        "replace": lambda: token[:where] + character + token[where + 1 :],
        "delete": lambda: token[:where] + token[where + 1 :],
        "loosen": lambda: ".".join((*parts[:-1], other_spelling(parts[-1]))),
        "pad": lambda: token + "=" * (where % 3 + 1),
        "swap": lambda: ".".join((parts[1], parts[0], *parts[2:])),
        "imposter": lambda: ".".join((*parts[:2], base64url(IMPOSTER.sign(".".join(parts[:2]).encode())))),
        "drop signature": lambda: ".".join((*parts[:2], "")),
    }
    return bent[how]()


def accepted(token: str) -> str | None:
    """Return the token that this API reads from the header, or None if the API refuses it.

    An error other than a refusal is a bug, and fails the test.
    """
    try:
        bare = credentials("Bearer " + token, also_in_query=False)  # without further spaces after "Bearer"
        return bare if bare and verify(bare, issuers=TRUST, audience=frozenset({US}), now=HERE) else None
    except (InvalidToken, InvalidRequest):
        return None


def pyjwt_accepts(token: str) -> None:
    """Raise an error unless PyJWT accepts the token.

    PyJWT's options are the strictest ones that accept every token which RFC 9068 permits.
    """
    required = ["iss", "aud", "exp", "iat", "sub", "jti", "client_id"]
    claims = jwt.decode(
        token, PYJWT_KEY, algorithms=["RS256"], audience=US, issuer=ISSUER, leeway=LEEWAY,
        options={"require": required, "verify_iat": False},
    )  # fmt: skip
    assert claims["iat"] <= T + MAX_AHEAD
    assert jwt.get_unverified_header(token)["kid"] == RSA.kid


def joserfc_accepts(token: str) -> None:
    """Raise an error unless joserfc accepts the signature and the claims of the token."""
    registry = joserfc.jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    registry.max_header_length, registry.max_payload_length = 2048, 16384
    decoded = joserfc.jwt.decode(token, JOSERFC_KEY, algorithms=["RS256"], registry=registry)
    essential: Any = {name: {"essential": True} for name in ("exp", "sub", "jti", "client_id")}
    essential |= {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": US}}
    without_iat = {name: value for name, value in decoded.claims.items() if name != "iat"}
    joserfc.jwt.JWTClaimsRegistry(now=T, leeway=LEEWAY, **essential).validate(without_iat)
    joserfc.jwt.JWTClaimsRegistry(now=T, leeway=MAX_AHEAD).validate({"iat": decoded.claims["iat"]})


def test_other_libraries_accept_every_token_that_we_accept() -> None:
    seen: Counter[bool] = Counter()

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(HEADER, CLAIMS, TEXT, TEXT, AFTER)
    @example({"typ": "at+jwt", "alg": "RS256", "kid": RSA.kid}, GOOD, "as it is", "as it is", ("insert", 0, " "))
    def run(header: Any, claims: Any, header_text: str, claims_text: str, bent: tuple[str, int, str]) -> None:
        token = after(compact(text(header, header_text), text(claims, claims_text)), *bent)
        bare = accepted(token)
        seen[bare is not None] += 1
        if bare is not None:
            pyjwt_accepts(bare)
            joserfc_accepts(bare)

    run()
    assert seen[True] >= EXAMPLES / 20, "too few good tokens: the comparison says nothing"
    assert seen[False] >= EXAMPLES / 20, "too few bad tokens: the comparison says nothing"
    if "DIFFERENTIAL_REPORT" in os.environ:
        print(f"accepted {seen[True]}, refused {seen[False]}")


def test_other_libraries_refuse_a_bad_token() -> None:
    bad = compact(
        {"typ": "at+jwt", "alg": "RS256", "kid": RSA.kid}, {"iss": OTHER, "aud": US, "exp": T + 9}, key=IMPOSTER
    )
    with pytest.raises(jwt.PyJWTError):
        pyjwt_accepts(bad)
    with pytest.raises(joserfc.errors.JoseError):
        joserfc_accepts(bad)
