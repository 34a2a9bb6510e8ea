"""A public key as an issuer publishes it: which entries of a JWKS are usable, each judged alone.

Owns no cache and no I/O: `judge` is pure.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jwt.algorithms import Algorithm, get_default_algorithms

from resources.strict_json import Repeated

_LIBRARY = get_default_algorithms()

# Key type and curve for every algorithm that may be configured. Asymmetric only: a symmetric key could make tokens.
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
MAX_KID = 256
MAX_KEYS = 100
MAX_KEYS_PER_KID = 4
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
MIN_EXPONENT, MAX_EXPONENT = 2**16 + 1, 2**32
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,1400}")


@dataclass(frozen=True, slots=True)
class Key:
    """One usable public key, bound to the algorithms that it may verify."""

    kid: str
    algorithms: frozenset[str]
    public_key: Any

    def verifies(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over `message`; False for an algorithm that the key is not bound to."""
        return algorithm in self.algorithms and ALGORITHMS[algorithm].verify(message, self.public_key, signature)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one entry of a JWKS: `key`, or `problem` in words; `secret` when it published what it must not."""

    kid: str
    key: Key | None = None
    problem: str = ""
    secret: bool = False


class TooManyKeys(ValueError):
    """The set holds more usable keys than any issuer needs: it is refused whole."""


def judge_all(entries: Iterable[object], *, algorithms: frozenset[str]) -> list[Verdict]:
    """A verdict for each entry of a JWKS; `algorithms` are the issuer's. Raises TooManyKeys."""
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
    """Whether one entry of a JWKS is a key that may verify (RFC 7517 section 4, RFC 7518 section 6)."""
    if not isinstance(entry, dict) or isinstance(entry, Repeated):
        return Verdict("", problem="not an object, or an object with repeated members")
    kid = entry.get("kid")
    shown = kid if isinstance(kid, str) and len(kid) <= MAX_KID and kid.isprintable() else ""
    if SECRET_MEMBERS & entry.keys():
        return Verdict(shown, problem="it has private or symmetric members: it must be treated as leaked", secret=True)
    if not shown:
        return Verdict("", problem="no usable kid")
    if problem := _misuse(entry):
        return Verdict(shown, problem=problem)
    bound = _bound_algorithms(entry, algorithms)
    if not bound:
        return Verdict(shown, problem="its type, curve and alg fit none of the issuer's configured algorithms")
    if problem := _bad_numbers(entry):
        return Verdict(shown, problem=problem)
    try:
        member = {name: entry[name] for name in MEMBERS[entry["kty"]]}
        public_key = ALGORITHMS[min(bound)].from_jwk(member)
    except Exception:  # noqa: BLE001 (whatever a library makes of a strange key, only this key is lost)
        return Verdict(shown, problem="its numbers are not a valid key")
    return Verdict(shown, key=Key(shown, bound, public_key))


def _misuse(entry: Mapping[str, Any]) -> str:
    if entry.get("use", "sig") != "sig":
        return "its use is not sig"
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return "its key_ops do not include verify"
    return ""


def _bound_algorithms(entry: Mapping[str, Any], algorithms: frozenset[str]) -> frozenset[str]:
    family = (entry.get("kty"), entry.get("crv", "") if entry.get("kty") != "RSA" else "")
    fitting = frozenset(name for name in algorithms if FAMILIES[name] == family)
    if "alg" not in entry:
        return fitting
    return fitting & {entry["alg"]} if isinstance(entry["alg"], str) else frozenset()


def _bad_numbers(entry: Mapping[str, Any]) -> str:
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
    # base64url of whole bytes: what is left over at the end are not the number's bits
    return number >> (len(value) * 6 % 8)


_DIGIT = {c: i for i, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")}
