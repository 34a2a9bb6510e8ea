"""Decides which public keys of a JWKS may verify tokens. Pure.

`judge` establishes for each entry, independently of the others:
1. The entry is an object without repeated members, and without private or symmetric members.
2. The entry has a printable kid, and its `use` and `key_ops` permit verification (RFC 7517 section 4).
3. The type, curve and `alg` of the key fit an algorithm that is configured for the issuer.
4. The numbers of the key are well-formed and large enough (RFC 7518 section 6), and the library accepts them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jwt.algorithms import Algorithm, get_default_algorithms

from . import es256, strict_json
from .strict_json import Repeated

_LIBRARY = get_default_algorithms()

# Key type and curve of each supported algorithm. Asymmetric only: with a symmetric key, an API could make tokens.
FAMILIES: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", "")),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
ALGORITHMS: Mapping[str, Algorithm] = {name: _LIBRARY[name] for name in FAMILIES}
MEMBERS = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}
SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
MAX_KID = 256  # characters
MAX_KEYS = 100
MAX_KEYS_PER_KID = 4
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
MIN_EXPONENT, MAX_EXPONENT = 2**16 + 1, 2**32
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,1400}")


@dataclass(frozen=True, slots=True)
class Key:
    """A usable public key, and the algorithms for which it may be used."""

    kid: str
    algorithms: frozenset[str]
    public_key: Any

    def verifies(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Return True if this key verifies `signature` over `message`, and may be used for `algorithm`."""
        if algorithm not in self.algorithms:
            return False
        if algorithm == "ES256":  # faster than PyJWT: most clients sign a DPoP proof with ES256 for each request
            return es256.verifies(self.public_key, message, signature)
        return ALGORITHMS[algorithm].verify(message, self.public_key, signature)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on an entry of a JWKS: a key or a problem. `secret` is True if the entry has private members."""

    kid: str
    key: Key | None = None
    problem: str = ""
    secret: bool = False


class TooManyKeys(ValueError):
    """The JWKS has more than MAX_KEYS usable keys, and is refused as a whole."""


def read_jwks(body: bytes, *, algorithms: frozenset[str]) -> list[Verdict]:
    """Return a verdict for each key of a JWKS document (RFC 7517 section 5).

    `algorithms` are the accepted algorithms of the issuer. Raises ValueError if `body` is not a JWKS, and TooManyKeys
    if it has more than MAX_KEYS usable keys.
    """
    # Parsed leniently, so that one key with repeated members does not make the other keys unusable.
    document = strict_json.parse_leniently(body)
    if not isinstance(document, dict) or isinstance(document, Repeated) or not isinstance(document.get("keys"), list):
        raise ValueError("the document is not a JWKS")  # noqa: TRY004 (the document is wrong, not a type)
    return judge_all(document["keys"], algorithms=algorithms)


def judge_all(entries: Iterable[object], *, algorithms: frozenset[str]) -> list[Verdict]:
    """Return a verdict for each entry of a JWKS. `algorithms` are the accepted algorithms of the issuer.

    Raises TooManyKeys if there are more than MAX_KEYS usable keys.
    """
    verdicts: list[Verdict] = []
    per_kid: dict[str, int] = {}
    for entry in entries:
        verdict = judge(entry, algorithms=algorithms)
        if verdict.key:
            per_kid[verdict.kid] = per_kid.get(verdict.kid, 0) + 1
            if per_kid[verdict.kid] > MAX_KEYS_PER_KID:
                verdict = Verdict(verdict.kid, problem=f"more than {MAX_KEYS_PER_KID} keys under this kid")
            elif sum(per_kid.values()) > MAX_KEYS:
                raise TooManyKeys(f"more than {MAX_KEYS} usable keys")
        verdicts.append(verdict)
    return verdicts


def judge(entry: object, *, algorithms: frozenset[str]) -> Verdict:
    """Return the verdict on one entry of a JWKS (RFC 7517 section 4, RFC 7518 section 6)."""
    if not isinstance(entry, dict) or isinstance(entry, Repeated):
        return Verdict("", problem="the entry is not an object, or has repeated members")
    kid = entry.get("kid")
    name = kid if isinstance(kid, str) and len(kid) <= MAX_KID and kid.isprintable() else ""
    if SECRET_MEMBERS & entry.keys():
        return Verdict(name, problem="it has private or symmetric members, so treat it as leaked", secret=True)
    if not name:
        return Verdict("", problem="the kid is missing, too long or not printable")
    if problem := _misuse(entry):
        return Verdict(name, problem=problem)
    bound = _bound_algorithms(entry, algorithms)
    if not bound:
        return Verdict(name, problem="its type, curve and alg fit no algorithm that is configured for the issuer")
    if problem := _bad_numbers(entry):
        return Verdict(name, problem=problem)
    try:
        members = {member: entry[member] for member in MEMBERS[entry["kty"]]}
        public_key = ALGORITHMS[min(bound)].from_jwk(members)
    except Exception:  # noqa: BLE001 (the libraries raise many errors, and one bad key must not make the others unusable)
        return Verdict(name, problem="its numbers are not a valid key")
    return Verdict(name, key=Key(name, bound, public_key))


def by_kid(verdicts: Iterable[Verdict]) -> dict[str, tuple[Key, ...]]:
    """Return the usable keys by kid. Two keys of an issuer can have the same kid (RFC 7517 section 4.5)."""
    keys: dict[str, tuple[Key, ...]] = {}
    for verdict in verdicts:
        if verdict.key:
            keys[verdict.kid] = (*keys.get(verdict.kid, ()), verdict.key)
    return keys


def _misuse(entry: Mapping[str, Any]) -> str:
    """Return why the members `use` and `key_ops` forbid verification, or "" if they permit verification."""
    if entry.get("use", "sig") != "sig":
        return "its use is not sig"
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return "its key_ops do not include verify"
    return ""


def _bound_algorithms(entry: Mapping[str, Any], algorithms: frozenset[str]) -> frozenset[str]:
    """Return the members of `algorithms` for which the key may be used, by its type, curve and `alg`."""
    family = (entry.get("kty"), entry.get("crv", "") if entry.get("kty") != "RSA" else "")
    supported = frozenset(name for name in algorithms if FAMILIES[name] == family)
    if "alg" not in entry:
        return supported
    return supported & {entry["alg"]} if isinstance(entry["alg"], str) else frozenset()


def _bad_numbers(entry: Mapping[str, Any]) -> str:
    """Return which numeric parameter of the key is missing, malformed or of a wrong size. Returns "" if none is."""
    for name in MEMBERS[entry["kty"]][1:]:
        value = entry.get(name)
        if not isinstance(value, str) or (name != "crv" and not _BASE64URL.fullmatch(value)):
            return f"its member {name} is missing or malformed"
    if entry["kty"] != "RSA":
        return ""
    modulus, exponent = _number(entry["n"]), _number(entry["e"])
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS or modulus % 2 == 0:
        return f"its modulus is not an odd number of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits"
    if not MIN_EXPONENT <= exponent < MAX_EXPONENT or exponent % 2 == 0:
        return "its exponent is not an odd number from 65537 to 2^32"
    return ""


def _number(value: str) -> int:
    number = 0
    for character in value:
        number = number << 6 | _DIGIT[character]
    # The characters encode whole bytes. The remaining bits at the end do not belong to the number.
    return number >> (len(value) * 6 % 8)


_DIGIT = {c: i for i, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")}
