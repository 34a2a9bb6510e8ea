"""Which of an issuer's published keys may verify a token that is inspected, and which of them does. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from tokens.jose import compact
from tokens.jose.public_keys import LONGEST_NUMBER, MEMBERS, MIN_RSA_BITS, SECRET_MEMBERS

MOST = 4
"""How many keys are tried: as many as a resource server keeps under one kid."""
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
VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key that is published or, where the issuer is this one, was; and its phase."""

    jwk: Mapping[str, Any]
    phase: str = "published"
    is_published: bool = True


class UnfitKey(ValueError):
    """The key may not verify the token; the message says why."""


def verdict(
    text: str, header: Mapping[str, Any], keys: Sequence[VerificationKey]
) -> tuple[str, VerificationKey | None]:
    """`verified`, or why it is not, and the key that did so, or the first one that `header` means.

    A header without `kid` means every key (RFC 7515 section 4.1.4); of those that may verify, MOST are tried.
    """
    meant = [key for key in keys if "kid" not in header or _is_named(key, header["kid"])]
    if not meant:
        return "no published key has its kid", None
    try:
        signature = compact.octets(text.rpartition(".")[2])
        fitting = _fitting(meant, header.get("alg"))
    except compact.Unreadable as error:
        return f"it cannot be read: {error}", meant[0]
    except UnfitKey as error:
        return str(error), meant[0]
    message = text.rpartition(".")[0].encode()
    for key, loaded in fitting:
        if loaded.Algorithm.verify(message, loaded.key, signature):
            return VERIFIED, key
    tried = "" if len(fitting) == 1 else f" by any of {len(fitting)} keys"
    return f"it does not verify{tried}", fitting[0][0]


def _is_named(key: VerificationKey, kid: object) -> bool:
    return isinstance(kid, str) and key.jwk.get("kid") == kid


def _fitting(keys: Sequence[VerificationKey], algorithm: object) -> list[tuple[VerificationKey, jwt.PyJWK]]:
    """The first of the keys that may verify; where there is none, raises Unfit for what the first one lacks."""
    found: list[tuple[VerificationKey, jwt.PyJWK]] = []
    lacks: list[UnfitKey] = []
    for key in keys:
        try:
            found.append((key, _load(key.jwk, algorithm)))
        except UnfitKey as error:
            lacks.append(error)
        if len(found) == MOST:
            break
    if not found:
        raise lacks[0]
    return found


def _load(jwk: Mapping[str, Any], algorithm: object) -> jwt.PyJWK:
    """The key, bound to the algorithm; raises Unfit where it may not verify by that (RFC 7517 sections 4.1 to 4.4)."""
    if SECRET_MEMBERS & jwk.keys():
        raise UnfitKey("its key is published with its private half, and so leaked")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise UnfitKey("its key is not for signatures (use, key_ops)")
    kty = jwk.get("kty")
    kind = (kty, None if kty == "RSA" else jwk.get("crv"))
    if not isinstance(algorithm, str) or kind not in KINDS.get(algorithm, ()) or jwk.get("alg", algorithm) != algorithm:
        raise UnfitKey("its alg is not that of the key")
    numbers = {name: jwk.get(name) for name in MEMBERS[str(kty)]}
    if any(not isinstance(value, str) or len(value) > LONGEST_NUMBER for value in numbers.values()):
        raise UnfitKey("its key is malformed")
    try:
        loaded = jwt.PyJWK({"kty": kty, **numbers}, algorithm=algorithm)
    except Exception as error:  # a stranger's key: whatever the libraries stumble over, it is the key's fault
        raise UnfitKey(f"its key is malformed ({type(error).__name__})") from error
    if kty == "RSA" and loaded.key.key_size < MIN_RSA_BITS:
        raise UnfitKey(f"its key has fewer than {MIN_RSA_BITS} bits (RFC 7518 section 3.3)")
    return loaded
