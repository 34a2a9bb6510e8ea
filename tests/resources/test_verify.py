"""Verification of access tokens.

For each check, there is a token that passes, and a similar token that is refused because of this check.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from resources import verify as real
from resources.errors import InvalidRequest, InvalidToken, Reason, Unavailable
from resources.issuer_trust import TrustedIssuer
from resources.jose.compact_jws import is_instant
from resources.jose.jwk import Key, judge
from resources.keysets.key_pins import PinnedKeys
from resources.revocations.refusals import Refusals
from resources.revocations.revocation_key import key
from resources.revocations.revocation_set import EMPTY, LAYOUT, RevocationSet
from resources.testing import SigningKey, at, compact, encoded, jwks, shared_key
from resources.verify import credentials, verify
from tests.jwt_cases import other_spelling

NOW = at(1_800_000_000)
T = int(NOW.timestamp())
ISSUER, OTHER = "https://issuer.example", "https://other.example"
US = "https://api.example/"
RSA = shared_key()
EC = SigningKey("ES256", ec.generate_private_key(ec.SECP256R1()), "ec")
ED = SigningKey("EdDSA", ed25519.Ed25519PrivateKey.generate(), "ed")
PSS = SigningKey("PS256", RSA.private, "pss")
UNTRUSTED = SigningKey()
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": US,
    "sub": "alice",
    "client_id": "webapp",
    "iat": T,
    "exp": T + 600,
    "jti": "one",
    "scope": "notes:read notes:write",
}


def keys(*signing: SigningKey, algorithms: Sequence[str] = ("RS256",)) -> PinnedKeys:
    return PinnedKeys([judge(key.jwk, algorithms=frozenset(algorithms)) for key in signing or (RSA,)])


def entries_of(*entries: tuple[str, str, int]) -> RevocationSet:
    """Return a set of revocations with these entries (kind, identifier, issued_before), which last for ten minutes."""
    packed = (LAYOUT.pack(key(kind, identifier), T + 600, before) for kind, identifier, before in entries)
    return EMPTY.merged(b"".join(packed), now=T)


def trust(url: str = ISSUER, **changes: Any) -> TrustedIssuer:
    return TrustedIssuer(**{"url": url, "algorithms": frozenset({"RS256"}), "keys": keys(), **changes})


def header(key: SigningKey = RSA, **changes: Any) -> dict[str, Any]:
    whole = {"typ": "at+jwt", "alg": key.algorithm, "kid": key.kid, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def claims(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}


def token(key: SigningKey = RSA, *, head: Mapping[str, Any] | None = None, **changes: Any) -> str:
    return compact({**header(key), **(head or {})}, claims(**changes), key=key)


def with_payload(text: str | bytes) -> str:
    return compact(header(), text if isinstance(text, bytes) else text.encode())


def with_header(text: str | bytes) -> str:
    return compact(text if isinstance(text, bytes) else text.encode(), claims())


def with_claim(name: str, literal: str) -> str:
    """Return a valid token in which the JSON of the claim `name` is exactly `literal`."""
    members = {key: json.dumps(value) for key, value in claims().items()} | {name: literal}
    return with_payload("{" + ",".join(f'"{key}":{value}' for key, value in members.items()) + "}")


def parts(**changes: str) -> str:
    head, payload, signature = token().split(".")
    whole = {"head": head, "payload": payload, "signature": signature, **changes}
    return f"{whole['head']}.{whole['payload']}.{whole['signature']}"


def check(presented: str, module: ModuleType = real, **changes: Any) -> Any:
    """Verify a token with the function `verify` of `module`, and return the result.

    By default, the time is NOW, and one issuer with one key is trusted. `changes` replace or add arguments of `verify`.
    """
    whole: dict[str, Any] = {"issuers": {ISSUER: trust()}, "audience": frozenset({US}), "now": NOW, **changes}
    return module.verify(presented, **whole)


Case = tuple[Callable[[], str], Reason, str]

REFUSALS: dict[str, Case] = {
    # 2. structure
    "8193 characters": (lambda: token().ljust(8193, "A"), Reason.TOO_LONG, ""),
    "empty": (lambda: "", Reason.MALFORMED, ""),
    "two segments": (lambda: token().rpartition(".")[0], Reason.MALFORMED, ""),
    "four segments": (lambda: token() + ".AAAA", Reason.MALFORMED, ""),
    "five segments (JWE)": (lambda: token() + ".AAAA.AAAA", Reason.MALFORMED, ""),
    "empty header": (lambda: parts(head=""), Reason.MALFORMED, ""),
    "empty payload": (lambda: parts(payload=""), Reason.MALFORMED, ""),
    "empty signature": (lambda: parts(signature=""), Reason.MALFORMED, ""),
    "padding after the signature": (lambda: token() + "==", Reason.MALFORMED, ""),
    "padding after the header": (lambda: parts(head=encoded(header()) + "="), Reason.MALFORMED, ""),
    "a line feed at the end": (lambda: token() + "\n", Reason.MALFORMED, ""),
    "a space inside": (lambda: token().replace(".", " .", 1), Reason.MALFORMED, ""),
    "the standard alphabet": (lambda: parts(signature="+/" + token().rpartition(".")[2][2:]), Reason.MALFORMED, ""),
    "a letter beyond ASCII": (lambda: parts(signature="é" + token().rpartition(".")[2][1:]), Reason.MALFORMED, ""),
    "a full-width digit": (lambda: parts(head=encoded(header())[:-1] + "\uff11"), Reason.MALFORMED, ""),
    "JSON serialization": (lambda: '{"payload":"","signatures":[]}', Reason.MALFORMED, ""),
    "loose last bits of the signature": (
        lambda: parts(signature=other_spelling(token().rpartition(".")[2])),
        Reason.MALFORMED,
        "",
    ),
    "a segment of an impossible length": (lambda: token() + "AAA", Reason.MALFORMED, ""),
    # 3. header
    "a header of more than 1 KiB": (lambda: token(head={"x": "y" * 1024}), Reason.TOO_LONG, "header"),
    "header is not UTF-8": (lambda: with_header(b'{"typ":"at+jwt","alg":"RS256","kid":"\xff"}'), Reason.MALFORMED, ""),
    "header is UTF-16": (lambda: with_header(json.dumps(header()).encode("utf-16")), Reason.MALFORMED, ""),
    "header with a byte order mark": (
        lambda: with_header(b"\xef\xbb\xbf" + json.dumps(header()).encode()),
        Reason.MALFORMED,
        "",
    ),
    "header is a list": (lambda: with_header("[]"), Reason.MALFORMED, ""),
    "header is null": (lambda: with_header("null"), Reason.MALFORMED, ""),
    "header with two alg": (
        lambda: with_header(json.dumps(header())[:-1] + ',"alg":"RS256"}'),
        Reason.MALFORMED,
        "",
    ),
    "header with a lone surrogate": (
        lambda: with_header(json.dumps(header())[:-1] + ',"x":"\\ud800"}'),
        Reason.MALFORMED,
        "",
    ),
    "header nested 500 deep": (
        lambda: with_header(json.dumps(header())[:-1] + ',"x":' + "[" * 500 + "]" * 400 + "}"),
        Reason.MALFORMED,
        "",
    ),
    "no typ": (lambda: compact(header(typ=None), claims()), Reason.TYPE, "typ"),
    "typ JWT": (lambda: token(head={"typ": "JWT"}), Reason.TYPE, "typ"),
    "typ of a feed": (lambda: token(head={"typ": "revocations+jwt"}), Reason.TYPE, "typ"),
    "typ with a parameter": (lambda: token(head={"typ": "at+jwt; v=1"}), Reason.TYPE, "typ"),
    "typ a list": (lambda: token(head={"typ": ["at+jwt"]}), Reason.TYPE, "typ"),
    "crit": (lambda: token(head={"crit": ["exp"]}), Reason.CRITICAL, "crit"),
    "an empty crit": (lambda: token(head={"crit": []}), Reason.CRITICAL, "crit"),
    "b64": (lambda: token(head={"b64": True}), Reason.CRITICAL, "crit"),
    "no alg": (lambda: compact(header(alg=None), claims()), Reason.ALGORITHM, "alg"),
    "alg none": (lambda: token(head={"alg": "none"}), Reason.ALGORITHM, "alg"),
    "alg nOnE": (lambda: token(head={"alg": "nOnE"}), Reason.ALGORITHM, "alg"),
    "alg HS256": (lambda: token(head={"alg": "HS256"}), Reason.ALGORITHM, "alg"),
    "alg rs256": (lambda: token(head={"alg": "rs256"}), Reason.ALGORITHM, "alg"),
    "alg not configured": (lambda: token(head={"alg": "RS512"}), Reason.ALGORITHM, "alg"),
    "alg a number": (lambda: token(head={"alg": 256}), Reason.ALGORITHM, "alg"),
    "alg a list": (lambda: token(head={"alg": ["RS256"]}), Reason.ALGORITHM, "alg"),
    # 5. key
    "no kid": (lambda: compact(header(kid=None), claims()), Reason.KEY, "kid"),
    "an empty kid": (lambda: token(head={"kid": ""}), Reason.KEY, "kid"),
    "kid of 257 characters": (lambda: token(head={"kid": "k" * 257}), Reason.KEY, "kid"),
    "kid a number": (lambda: token(head={"kid": 1}), Reason.KEY, "kid"),
    "kid a list": (lambda: token(head={"kid": [RSA.kid]}), Reason.KEY, "kid"),
    "unknown kid": (lambda: token(head={"kid": "unknown"}), Reason.KEY, "kid"),
    # 6. signature
    "another's key under our kid": (
        lambda: token(SigningKey(private=UNTRUSTED.private, kid=RSA.kid)),
        Reason.SIGNATURE,
        "",
    ),
    "a key that the token brings": (
        lambda: token(SigningKey(private=UNTRUSTED.private, kid=RSA.kid), head={"jwk": UNTRUSTED.jwk}),
        Reason.SIGNATURE,
        "",
    ),
    "payload of another token": (lambda: parts(payload=encoded(claims(sub="bob"))), Reason.SIGNATURE, ""),
    "header of another token": (lambda: parts(head=encoded(header(extra=1))), Reason.SIGNATURE, ""),
    "a signature of 64 bytes": (lambda: parts(signature="AAAA" * 21 + "AA"), Reason.SIGNATURE, ""),
    "a signature of zeros": (lambda: parts(signature="A" * 342), Reason.SIGNATURE, ""),
    # 7. payload
    "payload is not JSON": (lambda: with_payload("claims"), Reason.MALFORMED, ""),
    "payload is a list": (lambda: with_payload("[]"), Reason.MALFORMED, ""),
    "payload is UTF-16": (lambda: with_payload(json.dumps(claims()).encode("utf-16")), Reason.MALFORMED, ""),
    "payload is Latin-1": (lambda: with_payload(b'{"sub":"\xe9"}'), Reason.MALFORMED, ""),
    "payload with two sub": (lambda: with_payload(json.dumps(claims())[:-1] + ',"sub":"bob"}'), Reason.MALFORMED, ""),
    "a repeated member deep inside": (lambda: with_claim("act", '{"sub":"a","sub":"b"}'), Reason.MALFORMED, ""),
    "payload nested 2000 deep": (lambda: with_claim("x", "[" * 2000 + "]" * 2000), Reason.MALFORMED, ""),
    "payload nested 33 deep": (lambda: with_claim("x", "[" * 32 + "]" * 32), Reason.MALFORMED, ""),
    "payload with something after it": (lambda: with_payload(json.dumps(claims()) + "{}"), Reason.MALFORMED, ""),
    "payload with a comment": (lambda: with_payload(json.dumps(claims()) + "//"), Reason.MALFORMED, ""),
    "a raw line feed in a string": (lambda: with_claim("sub", '"a\nb"'), Reason.MALFORMED, ""),
    "a lone surrogate in sub": (lambda: with_claim("sub", '"\\ud800"'), Reason.MALFORMED, ""),
    "no iss": (lambda: token(iss=None), Reason.ISSUER, "iss"),
    "another issuer": (lambda: token(iss=OTHER), Reason.ISSUER, "iss"),
    "issuer with a slash more": (lambda: token(iss=ISSUER + "/"), Reason.ISSUER, "iss"),
    "issuer in capitals": (lambda: token(iss="https://ISSUER.example"), Reason.ISSUER, "iss"),
    "iss a list": (lambda: token(iss=[ISSUER]), Reason.ISSUER, "iss"),
    "no aud": (lambda: token(aud=None), Reason.CLAIM, "aud"),
    "another audience": (lambda: token(aud=OTHER), Reason.AUDIENCE, "aud"),
    "a longer audience": (lambda: token(aud=US + "admin"), Reason.AUDIENCE, "aud"),
    "a shorter audience": (lambda: token(aud=US[:-1]), Reason.AUDIENCE, "aud"),
    "no audience in the list": (lambda: token(aud=[]), Reason.AUDIENCE, "aud"),
    "audiences of others": (lambda: token(aud=[OTHER, US + "x"]), Reason.AUDIENCE, "aud"),
    "aud an object": (lambda: token(aud={US: US}), Reason.CLAIM, "aud"),
    "aud with a number in the list": (lambda: token(aud=[US, 1]), Reason.CLAIM, "aud"),
    "aud nested": (lambda: token(aud=[[US]]), Reason.CLAIM, "aud"),
    "no exp": (lambda: token(exp=None), Reason.CLAIM, "exp"),
    "exp 30 seconds ago": (lambda: token(exp=T - 30), Reason.EXPIRED, "exp"),
    "exp a string": (lambda: token(exp=str(T + 600)), Reason.CLAIM, "exp"),
    "exp true": (lambda: token(exp=True), Reason.CLAIM, "exp"),
    "exp null": (lambda: with_claim("exp", "null"), Reason.CLAIM, "exp"),
    "exp a list": (lambda: token(exp=[T + 600]), Reason.CLAIM, "exp"),
    "exp NaN": (lambda: with_claim("exp", "NaN"), Reason.MALFORMED, ""),
    "exp Infinity": (lambda: with_claim("exp", "Infinity"), Reason.MALFORMED, ""),
    "exp 1e999": (lambda: with_claim("exp", "1e999"), Reason.MALFORMED, ""),
    "exp 1e300": (lambda: with_claim("exp", "1e300"), Reason.CLAIM, "exp"),
    "exp of 21 digits": (lambda: with_claim("exp", "9" * 21), Reason.MALFORMED, ""),
    "exp of 5000 digits": (lambda: with_claim("exp", "9" * 5000), Reason.MALFORMED, ""),
    "exp beyond the year 9999": (lambda: token(exp=253_402_300_800), Reason.CLAIM, "exp"),
    "exp negative": (lambda: token(exp=-1), Reason.CLAIM, "exp"),
    "no iat": (lambda: token(iat=None), Reason.CLAIM, "iat"),
    "iat 121 seconds ahead": (lambda: token(iat=T + 121), Reason.NOT_YET, "iat"),
    "iat a string": (lambda: token(iat=str(T)), Reason.CLAIM, "iat"),
    "iat false": (lambda: token(iat=False), Reason.CLAIM, "iat"),
    "nbf 31 seconds ahead": (lambda: token(nbf=T + 31), Reason.NOT_YET, "nbf"),
    "nbf a string": (lambda: token(nbf="0"), Reason.CLAIM, "nbf"),
    "nbf null": (lambda: with_claim("nbf", "null"), Reason.CLAIM, "nbf"),
    "auth_time a string": (lambda: token(auth_time=str(T)), Reason.CLAIM, "auth_time"),
    "no sub": (lambda: token(sub=None), Reason.CLAIM, "sub"),
    "an empty sub": (lambda: token(sub=""), Reason.CLAIM, "sub"),
    "sub a number": (lambda: token(sub=1), Reason.CLAIM, "sub"),
    "sub an object": (lambda: token(sub={"a": 1}), Reason.CLAIM, "sub"),
    "sub with a NUL": (lambda: token(sub="a\0b"), Reason.CLAIM, "sub"),
    "sub of 256 characters": (lambda: token(sub="a" * 256), Reason.CLAIM, "sub"),
    "no client_id": (lambda: token(client_id=None), Reason.CLAIM, "client_id"),
    "client_id a list": (lambda: token(client_id=["webapp"]), Reason.CLAIM, "client_id"),
    "no jti": (lambda: token(jti=None), Reason.CLAIM, "jti"),
    "jti a number": (lambda: token(jti=1), Reason.CLAIM, "jti"),
    "scope a list": (lambda: token(scope=["notes:read"]), Reason.CLAIM, "scope"),
    "scope null": (lambda: with_claim("scope", "null"), Reason.CLAIM, "scope"),
    "scope with a tab": (lambda: token(scope="notes:read\tnotes:write"), Reason.CLAIM, "scope"),
    "scope with a no-break space": (lambda: token(scope="notes:read\u00a0notes:write"), Reason.CLAIM, "scope"),
    "scope with two spaces": (lambda: token(scope="notes:read  notes:write"), Reason.CLAIM, "scope"),
    "scope with a space at the end": (lambda: token(scope="notes:read "), Reason.CLAIM, "scope"),
    "scope with a quote": (lambda: token(scope='notes:"read"'), Reason.CLAIM, "scope"),
    "scope with a backslash": (lambda: token(scope="notes:\\read"), Reason.CLAIM, "scope"),
    "second scope with a backslash": (lambda: token(scope="notes:read notes:\\write"), Reason.CLAIM, "scope"),
    "acr a list": (lambda: token(acr=["gold"]), Reason.CLAIM, "acr"),
    "grant_id a list": (lambda: token(grant_id=["g"]), Reason.CLAIM, "grant_id"),
    "cnf": (lambda: token(cnf={"jkt": "x"}), Reason.BOUND, "cnf"),
    "cnf null": (lambda: with_claim("cnf", "null"), Reason.BOUND, "cnf"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_bad_token_is_refused_with_its_reason(name: str) -> None:
    make, reason, claim = REFUSALS[name]
    with pytest.raises(InvalidToken) as refused:
        check(make())
    assert (refused.value.reason, refused.value.claim) == (reason, claim)


ACCEPTED: dict[str, Callable[[], str]] = {
    "plain": token,
    "8 KiB exactly": lambda: padded(8192),
    "a header of 1 KiB": lambda: token(head={"x": "y" * (1024 - len(json.dumps(header(), separators=(",", ":"))) - 7)}),
    "typ with the media type's prefix": lambda: token(head={"typ": "application/at+jwt"}),
    "typ in capitals": lambda: token(head={"typ": "AT+JWT"}),
    "addresses in the header that nobody reads": lambda: token(
        head={"jku": "https://evil.example", "x5u": "https://evil.example", "jwk": UNTRUSTED.jwk, "x5c": ["AAAA"]}
    ),
    "kid of 256 characters": lambda: token(LONG),
    "aud a list": lambda: token(aud=[OTHER, US]),
    "exp 29 seconds ago": lambda: token(exp=T - 29),
    "exp a fraction": lambda: token(exp=T + 0.5),
    "exp with an exponent": lambda: with_claim("exp", "1.8e9"),
    "exp in the year 9999": lambda: token(exp=253_402_300_799),
    "iat 120 seconds ahead": lambda: token(iat=T + 120),
    "nbf 30 seconds ahead": lambda: token(nbf=T + 30),
    "no scope": lambda: token(scope=None),
    "an empty scope": lambda: token(scope=""),
    "typ at+jwt with a nonce": lambda: token(nonce="x"),
    "typ at+jwt with an at_hash": lambda: token(at_hash="x"),
    "sub of 255 characters": lambda: token(sub="a" * 255),
    "sub beyond ASCII": lambda: token(sub="zoë"),
    "an escaped pair of surrogates": lambda: with_claim("name", '"\\ud83d\\ude00"'),
    "nested 32 deep": lambda: with_claim("x", "[" * 31 + "]" * 31),
    "many shallow objects": lambda: with_claim("x", "[" + "{}," * 100 + "[]]"),
    "brackets in a string": lambda: with_claim("x", '"' + "[" * 100 + '"'),
    "white space in the JSON": lambda: with_payload(" " + json.dumps(claims(), indent=2) + "\n"),
}
LONG = SigningKey(private=RSA.private, kid="k" * 256)


def padded(length: int) -> str:
    """Return a valid token of exactly `length` characters."""
    for size in range(length):
        candidate = token(x="y" * (length // 2 + size))
        if len(candidate) >= length:
            assert len(candidate) == length
            return candidate
    raise AssertionError("unreachable")


@pytest.mark.parametrize("name", ACCEPTED)
def test_the_good_neighbour_of_a_bad_token_is_accepted(name: str) -> None:
    assert check(ACCEPTED[name](), issuers={ISSUER: trust(keys=keys(RSA, LONG))}).claims["iss"] == ISSUER


def test_a_verified_token_has_claims_scopes_and_kid_and_its_repr_hides_the_token() -> None:
    presented = token()
    verified = check(presented)
    assert dict(verified.claims) == CLAIMS
    assert verified.scopes == {"notes:read", "notes:write"}
    assert (verified.kid, verified.raw) == (RSA.kid, presented)
    assert verified.expires_at == at(T + 600)
    assert repr(verified) == "<AccessToken client='webapp' scopes=['notes:read', 'notes:write']>"
    with pytest.raises(TypeError):
        verified.claims["sub"] = "bob"
    with pytest.raises(AttributeError):
        verified.kid = "other"


def test_a_scope_is_not_a_part_of_another_scope() -> None:
    assert "notes:read" not in check(token(scope="notes:read_all")).scopes


@pytest.mark.parametrize("key", [RSA, EC, ED, PSS], ids=lambda key: key.algorithm)
def test_every_configured_algorithm_verifies_and_another_key_of_the_same_kind_does_not(key: SigningKey) -> None:
    algorithms = ("RS256", "PS256", "ES256", "EdDSA")
    trusted = {ISSUER: trust(keys=keys(RSA, EC, ED, PSS, algorithms=algorithms), algorithms=frozenset(algorithms))}
    strangers = {
        "RS256": UNTRUSTED.private,
        "PS256": UNTRUSTED.private,
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    assert check(token(key), issuers=trusted).kid == key.kid
    with pytest.raises(InvalidToken, match="SIGNATURE"):
        check(token(SigningKey(key.algorithm, strangers[key.algorithm], key.kid)), issuers=trusted)


def test_a_key_verifies_only_with_the_algorithm_it_is_bound_to() -> None:
    algorithms = frozenset({"RS256", "PS256"})
    trusted = {ISSUER: trust(algorithms=algorithms, keys=keys(RSA, algorithms=tuple(algorithms)))}
    with pytest.raises(InvalidToken, match="KEY"):
        check(token(SigningKey("PS256", RSA.private, RSA.kid)), issuers=trusted)


def test_each_of_several_keys_under_one_kid_is_tried() -> None:
    twin = SigningKey(private=UNTRUSTED.private, kid=RSA.kid)
    trusted = {ISSUER: trust(keys=keys(twin, RSA))}
    assert check(token(), issuers=trusted).kid == check(token(twin), issuers=trusted).kid


def test_with_several_issuers_each_is_verified_by_its_own_keys_only() -> None:
    foreign = SigningKey()
    trusted = {ISSUER: trust(), OTHER: trust(OTHER, keys=keys(foreign))}
    assert check(token(), issuers=trusted).claims["iss"] == ISSUER
    assert check(token(foreign, iss=OTHER), issuers=trusted).claims["iss"] == OTHER
    for presented in (token(iss=OTHER), token(foreign)):
        with pytest.raises(InvalidToken, match="KEY"):
            check(presented, issuers=trusted)
    for stranger in ("https://third.example", None, 7, [ISSUER]):
        with pytest.raises(InvalidToken) as refused:
            check(token(iss=stranger), issuers=trusted)
        assert refused.value.reason is Reason.ISSUER


def test_a_token_for_any_of_our_audiences_is_accepted() -> None:
    assert check(token(aud=OTHER), audience=frozenset({US, OTHER})).claims["aud"] == OTHER


def test_a_bad_signature_causes_a_recheck_of_keys_and_a_good_one_does_not() -> None:
    doubts = []

    class Watched(PinnedKeys):
        def recheck(self) -> None:
            doubts.append(1)

    watched = Watched([judge(RSA.jwk, algorithms=frozenset({"RS256"}))])
    check(token(), issuers={ISSUER: trust(keys=watched)})
    assert doubts == []
    with pytest.raises(InvalidToken, match="SIGNATURE"):
        check(parts(payload=encoded(claims(sub="bob"))), issuers={ISSUER: trust(keys=watched)})
    assert doubts == [1]


def test_unavailable_keys_do_not_make_a_token_invalid() -> None:
    class UnavailableKeys(PinnedKeys):
        def find(self, kid: str, algorithm: str) -> Sequence[Key]:
            raise Unavailable(7)

    with pytest.raises(Unavailable) as unavailable:
        check(token(), issuers={ISSUER: trust(keys=UnavailableKeys([]))})
    assert unavailable.value.retry_after == 7


REVOKED = {
    "kid": Refusals(kids=frozenset({RSA.kid})),
    "jti": Refusals(tokens=frozenset({"one"})),
    "hook": Refusals(hook=lambda kid, claims: (kid, claims["sub"]) == (RSA.kid, "alice")),
    "grant_id": Refusals(entries_of(("grant", "g", 0))),
    "sub": Refusals(entries_of(("sub", "alice", T + 1))),
}
NEIGHBOURS = {
    "kid": Refusals(kids=frozenset({"other"})),
    "jti": Refusals(tokens=frozenset({"two"})),
    "hook": Refusals(hook=lambda kid, claims: (kid, claims["sub"]) == (RSA.kid, "bob")),
    "grant_id": Refusals(entries_of(("grant", "h", 0))),
    "sub": Refusals(entries_of(("sub", "alice", T), ("sub", "bob", T + 1))),
}


@pytest.mark.parametrize("name", REVOKED)
def test_a_revoked_token_is_refused_and_its_neighbour_is_not(name: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        check(token(grant_id="g"), issuers={ISSUER: trust(refusals=lambda _: REVOKED[name])})
    assert (refused.value.reason, refused.value.claim) == (Reason.REVOKED, name)
    assert check(token(grant_id="g"), issuers={ISSUER: trust(refusals=lambda _: NEIGHBOURS[name])})


PASSED_ON = {"sub": "orders", "act": {"sub": "notes", "act": {"sub": "phone"}}}


@pytest.mark.parametrize("client", ["webapp", "orders", "notes", "phone"])
def test_a_token_is_refused_if_any_client_of_its_exchanges_is_revoked(client: str) -> None:
    """A token is refused if its client or a client in its claim `act` is revoked.

    `act` names the clients of the token exchanges (RFC 8693 section 4.1).
    """
    presented = token(client_id="webapp", act=PASSED_ON)
    for entry in (("client", client, T + 1), ("client_sub", f"{client}\0alice", T + 1)):
        revoked = Refusals(entries_of(entry))
        with pytest.raises(InvalidToken) as refused:
            check(presented, issuers={ISSUER: trust(refusals=lambda _, revoked=revoked: revoked)})
        assert (refused.value.reason, refused.value.claim) == (Reason.REVOKED, "client_id")
    revoked = Refusals(entries_of(("client", client, T), ("client_sub", f"{client}\0bob", T + 1)))
    assert check(presented, issuers={ISSUER: trust(refusals=lambda _: revoked)})


@pytest.mark.parametrize(
    "act", ["x", 7, [], [{"sub": "x"}], {"sub": ["x"]}, {"act": "x"}, {"sub": {}, "act": {"act": 1}}]
)
def test_a_malformed_act_does_not_match_a_revoked_client(act: object) -> None:
    revoked = Refusals(entries_of(("client", "x", T + 1)))
    assert check(token(act=act), issuers={ISSUER: trust(refusals=lambda _: revoked)})


def test_time_is_an_argument() -> None:
    presented = token()
    ages: list[datetime] = [at(T + 629), at(T - 120)]
    for now in ages:
        assert check(presented, now=now)
    for now, reason in ((at(T + 630), Reason.EXPIRED), (at(T - 121), Reason.NOT_YET)):
        with pytest.raises(InvalidToken) as refused:
            check(presented, now=now)
        assert refused.value.reason is reason


# 1. the header
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
@pytest.mark.parametrize("space", [" ", "   "])
def test_the_scheme_is_read_in_any_case(scheme: str, space: str) -> None:
    assert credentials(f"{scheme}{space}a.b.c", also_in_query=False) == "a.b.c"


@pytest.mark.parametrize(
    "authorization", [None, "", "Basic YTpi", "Bearerx a.b.c", "Token a.b.c", "DPoP a.b.c", "a.b.c"]
)
def test_another_scheme_is_not_a_bearer_token(authorization: str | None) -> None:
    assert credentials(authorization, also_in_query=False) is None
    assert credentials(authorization, also_in_query=True) is None


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer a b", "Bearer a.b.c, Bearer a.b.c", "Bearer a.b.c,a.b.c", "Bearer a\tb", "Bearer é",
     "Bearer =", "Bearer a=b", 'Bearer "a.b.c"', "Bearer a.b.c\n", "Bearer token=a.b.c"],
)  # fmt: skip
def test_a_malformed_header_is_a_bad_request(authorization: str) -> None:
    with pytest.raises(InvalidRequest):
        credentials(authorization, also_in_query=False)


def test_a_token_in_header_and_query_is_a_bad_request() -> None:
    with pytest.raises(InvalidRequest):
        credentials("Bearer a.b.c", also_in_query=True)


def test_a_token_that_is_too_long_is_refused_unread() -> None:
    assert credentials("Bearer " + "a" * 8192, also_in_query=False) == "a" * 8192
    with pytest.raises(InvalidToken, match="TOO_LONG"):
        credentials("Bearer " + " " + "é" * 8193, also_in_query=False)


def test_a_numeric_date_is_a_finite_number_that_a_datetime_can_hold() -> None:
    assert [is_instant(value) for value in (0, 1.5, T, 253_402_300_799)] == [True] * 4
    assert [is_instant(value) for value in (True, -1, math.inf, math.nan, "1", None, 2.6e11)] == [False] * 7


def test_the_jwks_of_the_tests_has_only_public_numbers() -> None:
    assert [set(entry) for entry in jwks(RSA)["keys"]] == [{"kty", "n", "e", "kid", "alg", "use"}]
    assert rsa.RSAPublicNumbers(65537, RSA.private.public_key().public_numbers().n)
    assert verify is real.verify


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt"])
def test_a_token_of_the_type_jwt_is_refused_unless_the_api_accepts_the_type(typ: str) -> None:
    presented = token(head={"typ": typ}, aud=[US])
    with pytest.raises(InvalidToken) as refused:
        check(presented)
    assert (refused.value.reason, refused.value.claim) == (Reason.TYPE, "typ")
    assert check(presented, types=real.ANY_JWT).scopes == check(token()).scopes
    assert check(token(), types=real.ANY_JWT), "at+jwt stays accepted"


ID_TOKENS: dict[str, tuple[dict[str, Any], Reason]] = {
    "at_hash": ({"at_hash": "x"}, Reason.TYPE),
    "nonce": ({"nonce": "x"}, Reason.TYPE),
    "for a client": ({"aud": "webapp"}, Reason.AUDIENCE),
    "without a client": ({"client_id": None}, Reason.CLAIM),
    "without an id": ({"jti": None}, Reason.CLAIM),
}


@pytest.mark.parametrize("name", ID_TOKENS)
def test_an_id_token_is_refused_also_if_the_type_jwt_is_accepted(name: str) -> None:
    changes, reason = ID_TOKENS[name]
    with pytest.raises(InvalidToken) as refused:
        check(token(head={"typ": "JWT"}, **changes), types=real.ANY_JWT)
    assert refused.value.reason is reason


@pytest.mark.parametrize("typ", [None, "token-introspection+jwt", "revocations+jwt", "secevent+jwt", "dpop+jwt"])
def test_no_other_type_is_accepted_with_the_type_jwt(typ: str | None) -> None:
    with pytest.raises(InvalidToken) as refused:
        check(token(head={"typ": typ}) if typ else compact({**header(), "typ": 1}, claims()), types=real.ANY_JWT)
    assert refused.value.reason is Reason.TYPE
