"""Verifies the signature of an inspected token with an issuer's published keys. Pure.

A key may verify a token if
1. its `kid` is that of the header, or the header has no `kid` (RFC 7515 section 4.1.4);
2. it has no private half, and `use` and `key_ops` permit verification (RFC 7517 sections 4.2 and 4.3);
3. its type, curve and `alg` are those of the header's algorithm, which is asymmetric;
4. its numbers are well-formed, and an RSA key has at least MIN_RSA_BITS.
Of these keys, the first MAX_KEYS are tried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from tokens.jose import compact
from tokens.jose.public_keys import LONGEST_NUMBER, MEMBERS, MIN_RSA_BITS, SECRET_MEMBERS
from tokens.languages import sentence

MAX_KEYS = 4
"""The greatest number of keys that are tried. A resource server keeps as many under one kid."""
RSA = (("RSA", None),)
KINDS: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSA),
    "ES256": (("EC", "P-256"),),
    "ES384": (("EC", "P-384"),),
    "ES512": (("EC", "P-521"),),
    "EdDSA": (("OKP", "Ed25519"), ("OKP", "Ed448")),
}
"""The type and curve of a key for each algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1)."""
ASYMMETRIC = tuple(KINDS)
VERIFIED = sentence("verified")


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key of an issuer that can be tried on a token. `phase` is a text that the report shows, such as "published".

    A key of this issuer can be tried even if it is not published any more. `is_published` is then False.
    """

    jwk: Mapping[str, Any]
    phase: str = sentence("published")
    is_published: bool = True


class UnfitKey(ValueError):
    """The key must not be used to verify the token. The message gives the reason."""


def verdict(
    text: str, header: Mapping[str, Any], keys: Sequence[VerificationKey]
) -> tuple[str, VerificationKey | None]:
    """Verify the signature of the JWT `text`, whose header is `header`. Return a result and a key.

    The candidates are the keys with the `kid` of the header, or all keys if the header has no `kid`.

    - If a candidate verifies the signature, the result is `verified`, and the key is that candidate.
    - If no candidate verifies it, the result is the reason, and the key is the first that was tried. If no candidate
      could be tried, the key is the first candidate.
    - If there is no candidate, the result is the reason, and the key is None.
    """
    # RFC 7515 section 4.1.4: without `kid`, each key is a candidate.
    candidates = [key for key in keys if "kid" not in header or _has_kid(key, header["kid"])]
    if not candidates:
        return sentence("no published key has its kid"), None
    try:
        signature = compact.octets(text.rpartition(".")[2])
        usable = _usable_keys(candidates, header.get("alg"))
    except compact.Unreadable as error:
        return sentence("it cannot be read: {error}", error=error), candidates[0]
    except UnfitKey as error:
        return error.args[0], candidates[0]
    message = text.rpartition(".")[0].encode()
    for key, loaded in usable:
        if loaded.Algorithm.verify(message, loaded.key, signature):
            return VERIFIED, key
    tried = "" if len(usable) == 1 else sentence(" by any of {number} keys", number=len(usable))
    return sentence("it does not verify{tried}", tried=tried), usable[0][0]


def _has_kid(key: VerificationKey, kid: object) -> bool:
    return isinstance(kid, str) and key.jwk.get("kid") == kid


def _usable_keys(keys: Sequence[VerificationKey], algorithm: object) -> list[tuple[VerificationKey, jwt.PyJWK]]:
    """Return the first MAX_KEYS of `keys` that may verify signatures by `algorithm`.

    Each key comes with the PyJWK that was loaded from it. If no key is usable, raises UnfitKey, which says why
    the first key is not.
    """
    usable: list[tuple[VerificationKey, jwt.PyJWK]] = []
    reasons: list[UnfitKey] = []
    for key in keys:
        try:
            usable.append((key, _load(key.jwk, algorithm)))
        except UnfitKey as error:
            reasons.append(error)
        if len(usable) == MAX_KEYS:
            break
    if not usable:
        raise reasons[0]
    return usable


def _load(jwk: Mapping[str, Any], algorithm: object) -> jwt.PyJWK:
    """Load `jwk` as a key for signatures by `algorithm`.

    Raises UnfitKey if this key must not be used to verify such signatures (RFC 7517 sections 4.1 to 4.4).
    """
    if SECRET_MEMBERS & jwk.keys():
        raise UnfitKey(sentence("its key is published with its private half: anyone can sign with it"))
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise UnfitKey(sentence("its key is not for signatures (use, key_ops)"))
    kty = jwk.get("kty")
    kind = (kty, None if kty == "RSA" else jwk.get("crv"))
    if not isinstance(algorithm, str) or kind not in KINDS.get(algorithm, ()) or jwk.get("alg", algorithm) != algorithm:
        raise UnfitKey(sentence("its alg is not that of the key"))
    numbers = {name: jwk.get(name) for name in MEMBERS[str(kty)]}
    if any(not isinstance(value, str) or len(value) > LONGEST_NUMBER for value in numbers.values()):
        raise UnfitKey(sentence("its key is malformed"))
    try:
        loaded = jwt.PyJWK({"kty": kty, **numbers}, algorithm=algorithm)
    except Exception as error:  # another issuer's key: the libraries raise many types for a malformed one
        raise UnfitKey(sentence("its key is malformed ({error})", error=type(error).__name__)) from error
    if kty == "RSA" and loaded.key.key_size < MIN_RSA_BITS:
        raise UnfitKey(sentence("its key has fewer than {least} bits (RFC 7518 section 3.3)", least=MIN_RSA_BITS))
    return loaded
