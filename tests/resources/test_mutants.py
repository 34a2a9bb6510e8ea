"""Mutation tests of verify.py and compact_jws.py: without one of their checks, a given case of test_verify fails.

A mutant is one of the modules with one text replaced. Each case has a token that the real module refuses for the stated
reason. The mutant is killed if it accepts the token, or refuses it for another reason.
"""

# ruff: noqa: E501 (a mutant is a line)

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from resources import verify as real
from resources.errors import InvalidRequest, InvalidToken
from resources.jose import compact_jws
from resources.jose.jwk import Key, Verdict
from resources.keysets.key_pins import PinnedKeys
from tests.resources import test_verify
from tests.resources.test_verify import (
    ACCEPTED,
    ISSUER,
    LONG,
    OTHER,
    REFUSALS,
    REVOKED,
    RSA,
    SigningKey,
    check,
    keys,
    token,
    trust,
)

FORM, CHECKS = (Path(module.__file__).read_text(encoding="utf-8") for module in (compact_jws, real))
OF_FORM = ("segments", "header", "is_instant", "json_object", "decoded")
"""The functions of compact_jws.py that verify.py calls."""

# (the text, its replacement, the case of REFUSALS or ACCEPTED that kills the mutant)
MUTANTS: list[tuple[str, str, str]] = [
    ("if len(token) > longest:", "if False:", "8193 characters"),
    ("if len(token) > longest:", "if len(token) >= longest:", "8 KiB exactly"),
    ("_SEGMENTS.fullmatch(token)", "_SEGMENTS.match(token)", "four segments"),
    ("_SEGMENTS.fullmatch(token)", "_SEGMENTS.search(token)", "a line feed at the end"),
    (r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", r"([\w-]+)\.([\w-]+)\.([\w-]+)", "a letter beyond ASCII"),
    (r'\.([A-Za-z0-9_-]+)")', r'\.([A-Za-z0-9_-]*)")', "empty signature"),
    (r'\.([A-Za-z0-9_-]+)")', r'\.([A-Za-z0-9_=-]+)")', "padding after the signature"),
    ("if len(part) > MAX_HEADER_PART:", "if False:", "a header of more than 1 KiB"),
    ("if len(part) > MAX_HEADER_PART:", "if len(part) >= MAX_HEADER_PART:", "a header of 1 KiB"),
    ("if not isinstance(typ, str) or typ.lower() not in types:", "if False:", "typ JWT"),
    ("typ.lower() not in types", "typ not in types", "typ in capitals"),
    ("if not isinstance(typ, str) or typ.lower()", "if typ is not None and str(typ).lower()", "no typ"),
    ('frozenset({"at+jwt", "application/at+jwt"})', 'frozenset({"at+jwt"})', "typ with the media type's prefix"),
    ('frozenset({"at+jwt", "application/at+jwt"})', 'frozenset({"at+jwt", "application/at+jwt", "jwt"})', "typ JWT"),
    ('if "crit" in members or "b64" in members:', 'if "b64" in members:', "crit"),
    ('if "crit" in members or', 'if members.get("crit") or', "an empty crit"),
    ('if "crit" in members or "b64" in members:', 'if "crit" in members:', "b64"),
    ("if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID:", "if False:", "an empty kid"),
    ("not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID", "not 0 < len(str(kid)) <= MAX_KID", "kid a list"),
    ("not 0 < len(kid) <= MAX_KID", "not len(kid) <= MAX_KID", "an empty kid"),
    ("not 0 < len(kid) <= MAX_KID", "not 0 < len(kid)", "kid of 257 characters"),
    ("not 0 < len(kid) <= MAX_KID", "not 0 < len(kid) < MAX_KID", "kid of 256 characters"),
    ("if not isinstance(algorithm, str):", "if False:", "alg a list"),
    ("if algorithm not in issuer.algorithms:", "if False:", "alg not configured"),
    ("if algorithm not in issuer.algorithms:", "if algorithm.upper() not in issuer.algorithms:", "alg rs256"),
    ("    if not keys:\n        raise InvalidToken(Reason.KEY", "    if False:\n        raise InvalidToken(Reason.KEY", "unknown kid"),
    ("if key.verifies(algorithm, message, signature):", "if True:", "payload of another token"),
    ("    issuer.keys.recheck()\n    raise InvalidToken(Reason.SIGNATURE)", "    return", "a signature of zeros"),
    ("    check_signature(token, kid, algorithm, signature_part, issuer)", "    pass", "another's key under our kid"),
    ('token[: -len(signature_part) - 1].encode("ascii")', 'token.partition(".")[0].encode("ascii")', "plain"),
    ('if claims.get("iss") != issuer:', "if False:", "another issuer"),
    ('if claims.get("iss") != issuer:', 'if str(claims.get("iss")).rstrip("/") != issuer:', "issuer with a slash more"),
    ('if claims.get("iss") != issuer:', 'if str(claims.get("iss")).lower() != issuer:', "issuer in capitals"),
    ('if claims.get("iss") != issuer:', 'if issuer not in (claims.get("iss") or ""):', "iss a list"),
    ('if claims.get("iss") != issuer:', 'if claims.get("iss", issuer) != issuer:', "no iss"),
    ("    if isinstance(aud, str):\n        aud = [aud]\n", "", "plain"),
    ("if not isinstance(aud, list) or not all(", "if not all(", "no aud"),
    ("if not isinstance(aud, list) or not all(isinstance(name, str) for name in aud):", "if not isinstance(aud, list):", "aud with a number in the list"),
    ("if audience.isdisjoint(aud):", "if False:", "another audience"),
    ("if audience.isdisjoint(aud):", "if not any(a.startswith(u) for a in aud for u in audience):", "a longer audience"),
    ("if audience.isdisjoint(aud):", "if not any(u.startswith(a) for a in aud for u in audience):", "a shorter audience"),
    ("if audience.isdisjoint(aud):", "if aud and audience.isdisjoint(aud):", "no audience in the list"),
    ("    check_binding(claims, with_proof=with_proof)", "    pass", "cnf"),
    ("    check_binding(claims, with_proof=with_proof)", "    pass", "cnf null"),
    ("with_proof: bool = False", "with_proof: bool = True", "plain"),
    ("    if not is_instant(exp):\n", "    if False:\n", "exp true"),
    ("if exp <= seconds - LEEWAY:", "if False:", "exp 30 seconds ago"),
    ("if exp <= seconds - LEEWAY:", "if exp < seconds - LEEWAY:", "exp 30 seconds ago"),
    ("if exp <= seconds - LEEWAY:", "if exp <= seconds:", "exp 29 seconds ago"),
    ("if exp <= seconds - LEEWAY:", "if exp <= seconds - 2 * LEEWAY:", "exp 30 seconds ago"),
    ("    if not is_instant(iat):\n", "    if False:\n", "iat false"),
    ("if iat > seconds + MAX_AHEAD:", "if False:", "iat 121 seconds ahead"),
    ("if iat > seconds + MAX_AHEAD:", "if iat >= seconds + MAX_AHEAD:", "iat 120 seconds ahead"),
    ("if iat > seconds + MAX_AHEAD:", "if iat > seconds + MAX_AHEAD + 1:", "iat 121 seconds ahead"),
    ('if "nbf" in claims:', "if False:", "nbf 31 seconds ahead"),
    ('if "nbf" in claims:', 'if claims.get("nbf") is not None:', "nbf null"),
    ('if not is_instant(claims["nbf"]):', "if False:", "nbf a string"),
    ('if claims["nbf"] > seconds + LEEWAY:', "if False:", "nbf 31 seconds ahead"),
    ('if claims["nbf"] > seconds + LEEWAY:', 'if claims["nbf"] >= seconds + LEEWAY:', "nbf 30 seconds ahead"),
    ('if "auth_time" in claims and not is_instant(claims["auth_time"]):', "if False:", "auth_time a string"),
    ('("sub", "client_id", "jti")', '("client_id", "jti")', "no sub"),
    ('("sub", "client_id", "jti")', '("sub", "jti")', "client_id a list"),
    ('("sub", "client_id", "jti")', '("sub", "client_id")', "jti a number"),
    ("if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or", "if not 0 < len(str(value)) <= MAX_NAME or not isinstance(value, str | int) or not str(value).isprintable() or False and", "sub a number"),
    ("not 0 < len(value) <= MAX_NAME", "not len(value) <= MAX_NAME", "an empty sub"),
    ("not 0 < len(value) <= MAX_NAME", "not 0 < len(value)", "sub of 256 characters"),
    ("not 0 < len(value) <= MAX_NAME", "not 0 < len(value) < MAX_NAME", "sub of 255 characters"),
    (" or not value.isprintable()", "", "sub with a NUL"),
    ("not value.isprintable()", "not value.isascii()", "sub beyond ASCII"),
    ('("grant_id", "acr")', '("acr",)', "grant_id a list"),
    ('("grant_id", "acr")', '("grant_id",)', "acr a list"),
    ("if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):", "if not isinstance(scope, str):", "scope with a tab"),
    ("_SCOPE.fullmatch(scope)", "_SCOPE.match(scope)", "scope with two spaces"),
    ("if not isinstance(scope, str) or not _SCOPE", "if scope is None: return frozenset()\n    if not _SCOPE", "scope null"),
    (r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?:", r"(?:[^ \\]+(?:", 'scope with a quote'),
    (r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?:", r"(?:[\x21\x23-\x7e]+(?:", "scope with a backslash"),
    (r"(?: [\x21\x23-\x5b\x5d-\x7e]+)*", r"(?: [\x21\x23-\x7e]+)*", "second scope with a backslash"),
    ('if "jwt" in types and not ID_TOKEN_CLAIMS', "if not ID_TOKEN_CLAIMS", "typ at+jwt with a nonce"),
    ("not isinstance(value, bool) and", "", "exp true"),
    ("0 <= value <= END_OF_TIME", "value <= END_OF_TIME", "exp negative"),
    ("0 <= value <= END_OF_TIME", "0 <= value", "exp beyond the year 9999"),
    ("0 <= value <= END_OF_TIME", "0 <= value < END_OF_TIME", "exp in the year 9999"),
    ("    if not isinstance(value, dict):\n", "    if False:\n", "payload is a list"),
    ("if rest and (rest == 1 or part[-1] not in _LAST[rest]):", "if rest == 1:", "loose last bits of the signature"),
    ("if rest and (rest == 1 or", "if rest > 1 and (", "a segment of an impossible length"),
    ('frozenset("AQgw")', 'frozenset("AQgwBRhx")', "loose last bits of the signature"),
    ("if name in claims and not isinstance(claims[name], str):", "if False:", "acr a list"),
    ("strict_json.parse(", "__import__('json').loads(", "payload with two sub"),
    ("strict_json.parse(", "__import__('json').loads(", "exp NaN"),
    ("strict_json.parse(", "__import__('json').loads(", "header is UTF-16"),
    ("strict_json.parse(", "strict_json.parse_leniently(", "header with two alg"),
]  # fmt: skip


class Generous(PinnedKeys):
    """Pinned keys, among them one with an empty kid and one with a kid that is too long. jwk.py would refuse these two.

    So only the check of the kid's length in compact_jws.py can refuse a token with such a kid.
    """

    def __init__(self) -> None:
        kids = (RSA.kid, LONG.kid, "", "k" * 257)
        public = RSA.private.public_key()
        super().__init__([Verdict(kid, Key(kid, frozenset({"RS256"}), public)) for kid in kids])


def mutant(old: str, new: str) -> ModuleType:
    """Return a new copy of the module verify.py, which calls a new copy of compact_jws.py.

    In one of the two, `old` is replaced by `new`.
    """
    assert (FORM + CHECKS).count(old) == 1, f"{old!r} does not occur exactly once in the modules: update the table"
    form = executed(FORM.replace(old, new), compact_jws.__package__)
    module = executed(CHECKS.replace(old, new), real.__package__)
    module.__dict__.update({name: form.__dict__[name] for name in OF_FORM})
    return module


def executed(source: str, package: str) -> ModuleType:
    module = ModuleType(f"{package}.mutant")
    module.__package__ = package  # its imports are relative
    exec(compile(source, "mutant", "exec"), module.__dict__)  # noqa: S102
    return module


def outcome(make: Callable[[], str], module: ModuleType) -> str:
    """Return how `module` judges the token that `make` returns.

    The result is "accepted", "refused" with reason and claim, or "broken" with the error.
    """
    module.header.cache_clear()
    try:
        check(make(), module, issuers={ISSUER: trust(keys=Generous())})
    except InvalidToken as error:
        return f"refused: {error.reason.name} {error.claim}"
    except Exception as error:  # noqa: BLE001 (a mutant can raise any error)
        return f"broken: {type(error).__name__}"
    return "accepted"


@pytest.mark.parametrize(
    ("old", "new", "case"), MUTANTS, ids=[f"{new or 'nothing'} | {case}" for _, new, case in MUTANTS]
)
def test_a_mutant_is_killed_by_its_named_case(old: str, new: str, case: str) -> None:
    if case in REFUSALS:
        make, reason, claim = REFUSALS[case]
        expected = f"refused: {reason.name} {claim}"
    else:
        make, expected = ACCEPTED[case], "accepted"
    assert outcome(make, real) == expected
    assert outcome(make, mutant(old, new)) != expected


def killed(changes: tuple[str, str], probe: Callable[[ModuleType], Any]) -> bool:
    """Return True if `probe` passes with the real module and fails with the mutant.

    `changes` has the arguments `old` and `new` of `mutant`.
    """
    probe(real)
    changed = mutant(*changes)  # outside of `try`: a stale entry of the table must not count as killed
    try:
        probe(changed)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 (a mutant can raise any error)
        return True
    return False


def refuses(make: Callable[[ModuleType], Any], error: type[Exception]) -> Callable[[ModuleType], None]:
    def probe(module: ModuleType) -> None:
        module.header.cache_clear()
        with pytest.raises(error):
            make(module)

    return probe


def two_issuers(module: ModuleType, presented: str) -> Any:
    foreign = trust(OTHER, keys=keys(SigningKey(private=RSA.private, kid="theirs")))
    return check(presented, module, issuers={ISSUER: trust(), OTHER: foreign})


def _equal(actual: object, expected: object) -> None:
    assert actual == expected


def _rechecks(module: ModuleType) -> None:
    rechecks = []

    class Watched:
        def find(self, kid: str, algorithm: str) -> Any:
            return keys().find(kid, algorithm)

        def recheck(self) -> None:
            rechecks.append(1)

    module.header.cache_clear()
    with pytest.raises(InvalidToken):
        check(test_verify.parts(signature="A" * 342), module, issuers={ISSUER: trust(keys=Watched())})
    assert rechecks


OTHERS: dict[str, tuple[tuple[str, str], Callable[[ModuleType], Any]]] = {
    "test_a_revoked_token_is_refused_and_its_neighbour_is_not": (
        ("if revoked := issuer.refusals(now).reason(kid, claims):", "if revoked := '':"),
        refuses(lambda m: check(token(), m, issuers={ISSUER: trust(refusals=lambda _: REVOKED["jti"])}), InvalidToken),
    ),
    "test_an_id_token_is_refused_also_if_the_type_jwt_is_accepted": (
        ('if "jwt" in types and not ID_TOKEN_CLAIMS.isdisjoint(claims):', "if False:"),
        refuses(lambda m: check(token(head={"typ": "JWT"}, at_hash="x"), m, types=m.ANY_JWT), InvalidToken),
    ),
    "test_with_several_issuers_each_is_verified_by_its_own_keys_only": (
        ("    return issuers[iss], claims", "    return next(iter(issuers.values())), claims"),
        lambda m: two_issuers(m, token(SigningKey(private=RSA.private, kid="theirs"), iss=OTHER)),
    ),
    "test_with_several_issuers_an_unknown_one_is_refused": (
        ("if not isinstance(iss, str) or iss not in issuers:", "if not isinstance(iss, str):"),
        refuses(lambda m: two_issuers(m, token(iss="https://third.example")), InvalidToken),
    ),
    "test_with_several_issuers_a_list_is_refused": (
        ("if not isinstance(iss, str) or iss not in issuers:", "if iss not in issuers:"),
        refuses(lambda m: two_issuers(m, token(iss=[ISSUER])), InvalidToken),
    ),
    "test_the_scheme_is_read_in_any_case": (
        ("if named.lower() != scheme:", "if named != scheme:"),
        lambda m: m.credentials("BEARER a.b.c", also_in_query=False).upper(),
    ),
    "test_another_scheme_is_not_a_bearer_token": (
        ("if named.lower() != scheme:", "if not named.lower().startswith(scheme):"),
        lambda m: _equal(m.credentials("Bearerx a.b.c", also_in_query=False), None),
    ),
    "test_a_token_in_header_and_query_is_a_bad_request": (
        ("    if also_in_query:\n", "    if False:\n"),
        refuses(lambda m: m.credentials("Bearer a.b.c", also_in_query=True), InvalidRequest),
    ),
    "test_a_malformed_header_is_a_bad_request": (
        ("    if not _B64TOKEN.fullmatch(token):\n", "    if False:\n"),
        refuses(lambda m: m.credentials("Bearer a b", also_in_query=False), InvalidRequest),
    ),
    "test_a_token_that_is_too_long_is_refused_unread": (
        ("    if len(token) > MAX_TOKEN:\n", "    if False:\n"),
        refuses(lambda m: m.credentials("Bearer " + "a" * 8193, also_in_query=False), InvalidToken),
    ),
    "test_a_bad_signature_causes_a_recheck_of_keys_and_a_good_one_does_not": (
        ("    issuer.keys.recheck()\n", ""),
        _rechecks,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_what_no_table_shows_is_killed_too(name: str) -> None:
    assert killed(*OTHERS[name])


def test_every_refusal_of_verify_is_behind_a_mutant() -> None:
    """Each condition under which verify.py or compact_jws.py refuses a token is weakened by a mutant."""
    lines = (FORM + CHECKS).splitlines()
    conditions = {
        lines[number - 1].strip()
        for number, line in enumerate(lines)
        if line.strip().startswith("raise Invalid") and lines[number - 1].strip().startswith("if ")
    }
    weakened = [old for old, _, _ in MUTANTS] + [changes[0] for changes, _ in OTHERS.values()]
    unguarded = {
        condition
        for condition in conditions
        if not any(old.strip().splitlines()[0] in condition or condition in old for old in weakened)
    }
    assert unguarded <= {"if match is None:"}  # without it, the next line breaks on None: the structure cases kill that
