"""Judges the public keys that a client registers or publishes as a JWKS, and verifies signatures by them. Pure.

- A registered JWKS is refused if an entry has private members (LeakedKey), or if no entry is usable. Other unusable
  entries are skipped.
- In a published JWKS, every unusable entry is skipped, also an entry with private members.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jwt.algorithms import get_default_algorithms

from tokens.jose.key_format import thumbprint
from tokens.languages import sentence

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
FAMILIES: Mapping[tuple[Any, Any], frozenset[str]] = {
    ("RSA", None): frozenset({"RS256", "PS256"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
}
MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
MAX_PASTED = 20
MAX_PUBLISHED = 100  # usable keys; an API accepts as many of an issuer
MAX_PER_KID = 4
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
LONGEST_NUMBER = 1400  # characters: base64url of 8192 bits
FITS_NONE = sentence("A key's type, curve and alg fit none of {algorithms}.", algorithms=", ".join(ALGORITHMS))
NOT_FOR_SIGNATURES = sentence(
    'A key is not for signatures. Set use to "sig" and key_ops to ["verify"], or leave them out.'
)
SHORT_COORDINATE = sentence(
    "A key's numbers are not a valid key. A coordinate has 32 bytes with its leading zeros, which are 43 characters of"
    " base64url."
)
PRIVATE_HALF = sentence(
    "A key contains its private half, which only the client may have. Paste the public key alone. If anyone else could"
    " have read the private half, generate a new pair."
)

_LIBRARY = get_default_algorithms()


class UnusableKey(ValueError):
    """The key must not verify signatures. The message gives the reason."""


class LeakedKey(UnusableKey):
    """An entry of a JWKS has private or symmetric members, which the client should never publish."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A public key of a client, with the algorithms for which it may verify signatures."""

    kid: str | None
    algorithms: frozenset[str]
    public_key: Any

    def verifies(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Return True if `signature` over `message` verifies under this key, and the key may use `algorithm`."""
        return algorithm in self.algorithms and _LIBRARY[algorithm].verify(message, self.public_key, signature)


def registered(document: object) -> tuple[ClientKey, ...]:
    """Return the usable keys of a JWKS that an operator registers. The function `skipped` describes the other entries.

    Raises LeakedKey if an entry holds a private or symmetric key. Raises UnusableKey if the document is not a JWKS of 1
    to MAX_PASTED keys, or has no usable key.
    """
    entries = _pasted(document)
    usable = tuple(key for entry in entries if (key := _usable(entry, leaks=True)))
    return usable or (read(entries[0]),)


def skipped(document: object) -> list[str]:
    """Return a sentence for each unusable entry of a JWKS, with its place, its kid and the reason.

    `registered` skips these entries. Raises UnusableKey if the document is no JWKS.
    """
    return [
        sentence("Key {place}{name} is not used. {problem}", place=place, name=_named(entry), problem=problem)
        for place, entry in enumerate(_pasted(document), start=1)
        if (problem := _problem(entry))
    ]


def published(document: object) -> tuple[ClientKey, ...]:
    """Return the usable keys of a fetched JWKS, at most MAX_PER_KID keys of each kid. Skips other entries.

    Raises UnusableKey if the document is not a JWKS, or has more than MAX_PUBLISHED usable keys.
    """
    entries = _entries(document)
    if entries is None:
        raise UnusableKey(sentence("The document is no JWKS."))
    usable: list[ClientKey] = []
    names: Counter[str | None] = Counter()
    for entry in entries:
        key = _usable(entry)
        if key is None or names[key.kid] == MAX_PER_KID:
            continue
        names[key.kid] += 1
        usable.append(key)
        if len(usable) > MAX_PUBLISHED:
            raise UnusableKey(sentence("The JWKS has more than {most} usable keys.", most=MAX_PUBLISHED))
    return tuple(usable)


def names(document: object) -> list[str]:
    """Return a text for each usable key of a JWKS: the key's kid, a space, and the key's RFC 7638 thumbprint.

    The text of a key without a kid is the thumbprint alone. Raises UnusableKey and LeakedKey as `registered` does.
    """
    registered(document)
    entries: list[Any] = [entry for entry in _pasted(document) if _problem(entry) is None]
    return [" ".join(filter(None, (entry.get("kid"), thumbprint(entry)))) for entry in entries]


def read(entry: object) -> ClientKey:
    """Return the key of one entry of a JWKS (RFC 7517 section 4).

    Raises LeakedKey if the entry has private members, and UnusableKey if the entry is unusable for another reason.
    """
    if not isinstance(entry, dict):
        raise UnusableKey(sentence("A key is not a JSON object."))
    if SECRET_MEMBERS & entry.keys():
        raise LeakedKey(PRIVATE_HALF)
    if entry.get("use", "sig") != "sig" or not _verifies(entry.get("key_ops", ["verify"])):
        raise UnusableKey(NOT_FOR_SIGNATURES)
    kid = entry.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= 255):
        raise UnusableKey(sentence("A key's kid is not a text of 1 to 255 characters."))
    algorithms = _algorithms(entry)
    return ClientKey(kid, algorithms, _public_key(entry, min(algorithms)))


def _pasted(document: object) -> list[object]:
    entries = _entries(document)
    if entries is None or not 0 < len(entries) <= MAX_PASTED:
        raise UnusableKey(sentence('Enter a JWKS, {{"keys": [...]}}, of 1 to {most} keys.', most=MAX_PASTED))
    return entries


def _entries(document: object) -> list[object] | None:
    entries = document.get("keys") if isinstance(document, dict) else None
    return entries if isinstance(entries, list) else None


def _usable(entry: object, *, leaks: bool = False) -> ClientKey | None:
    """Return the entry's key, or None if the entry is unusable.

    An entry with private members is unusable. If `leaks` is True, such an entry raises LeakedKey instead.
    """
    try:
        return read(entry)
    except LeakedKey:
        if leaks:
            raise
    except UnusableKey:
        pass
    return None


def _problem(entry: object) -> str | None:
    try:
        read(entry)
    except UnusableKey as error:
        return str(error.args[0])
    return None


def _named(entry: object) -> str:
    """Return the entry's kid in parentheses if the kid is printable text, else ""."""
    kid = entry.get("kid") if isinstance(entry, dict) else None
    return f" (kid {kid[:64]})" if isinstance(kid, str) and kid.isprintable() and kid else ""


def _verifies(operations: object) -> bool:
    return isinstance(operations, list) and "verify" in operations


def _algorithms(entry: Mapping[str, Any]) -> frozenset[str]:
    kty, crv, alg = entry.get("kty"), entry.get("crv"), entry.get("alg")
    texts = all(isinstance(value, str) for value in (kty, crv, alg) if value is not None)
    family = FAMILIES.get((kty, None if kty == "RSA" else crv), frozenset()) if texts else frozenset()
    supported = family if alg is None or not family else family & {alg}
    if not supported:
        raise UnusableKey(FITS_NONE)
    return supported


def _public_key(entry: Mapping[str, Any], algorithm: str) -> Any:
    """Return the library's key for the JWK `entry` and this algorithm. Only the numbers of the key are used.

    Raises UnusableKey if the numbers are malformed, do not make a key, or make a weak RSA key.
    """
    numbers = {name: entry.get(name) for name in MEMBERS[entry["kty"]]}
    if any(not isinstance(value, str) or len(value) > LONGEST_NUMBER for value in numbers.values()):
        raise UnusableKey(sentence("A key's numbers are missing or malformed."))
    try:
        key: Any = _LIBRARY[algorithm].from_jwk({"kty": entry["kty"], **numbers})
    except Exception as error:
        # Authlib writes short coordinates (findings/authlib-leading-zero.sh).
        wrong = sentence("A key's numbers are not a valid key.") if entry["kty"] == "RSA" else SHORT_COORDINATE
        raise UnusableKey(wrong) from error
    if entry["kty"] == "RSA" and not _is_strong(key):
        raise UnusableKey(
            sentence(
                "An RSA key has {least} to {most} bits and the exponent 65537 or more.",
                least=MIN_RSA_BITS,
                most=MAX_RSA_BITS,
            )
        )
    return key


def _is_strong(key: Any) -> bool:
    return bool(MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS and 2**16 < key.public_numbers().e < 2**32)
