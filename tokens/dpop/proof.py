"""Checks a DPoP proof against the request that it came with (RFC 9449 section 4.3). Pure.

`check` establishes, by the numbers of section 4.3:
1.  There is one proof. Several proofs would not be a JWT, because a server joins repeated headers by a comma.
2.  The proof is a well-formed JWT, of at most LONGEST characters.
3.  jti, htm, htu and iat are present and well-formed; jti has at most LONGEST_ID characters.
4.  `typ` is dpop+jwt.
5.  `alg` is in ALGORITHMS, which are all asymmetric.
6.  The key in the header of the proof verifies the signature. The key meets the rules for keys that clients register.
7.  The key in the header of the proof has no private member.
8.  htm is the method of the request.
9.  htu is the URL of the request, both in normal form. The issuer's configured URL is used, not the Host header.
10. If the proof has a nonce or the issuer requires one, the nonce is one that this issuer accepts.
11. Without a nonce, iat is at most WINDOW from now.
12. If the request has an access token, ath is the token's hash. The caller compares the key with the token's `cnf`.

The caller must then record the `jti` as used (`replay`), and bind the tokens that it issues to the thumbprint.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tokens.dpop import target_uri
from tokens.jose import compact, key_format, public_keys
from tokens.jose.public_keys import ClientKey, UnusableKey

TYPE = "dpop+jwt"
ALGORITHMS = ("ES256", "Ed25519", "EdDSA", "PS256", "RS256")
SAME = {"Ed25519": "EdDSA"}
"""Synonyms of `alg`. Newer libraries send `Ed25519`, the name of RFC 9864 for EdDSA with the curve Ed25519."""
LONGEST = 8 * 1024  # characters
LONGEST_ID = 255  # characters of the jti
WINDOW = timedelta(seconds=60)
"""The greatest distance of `iat` from the issuer's clock, before or after it (section 11.1)."""
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
"""The form of a SHA-256 thumbprint (RFC 7638), as in `jkt` and `dpop_jkt`."""


class InvalidProof(Exception):
    """The proof is not valid. The message gives the reason and never contains the proof."""


class NonceRefused(InvalidProof):
    """The proof is valid except for its nonce, which is missing, unknown or too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofContext:
    """The request with which a proof came, and the time of the check."""

    method: str
    url: str
    """The request's URL, from the configured URL of the issuer and never from the header `Host`."""
    now: datetime
    nonces: Collection[str] = field(default=(), repr=False)
    """The nonces that are accepted now."""
    requires_nonce: bool = False
    access_token: str | None = field(default=None, repr=False)
    """The access token that the request presents, if any."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A DPoP proof that passed the checks of `check`."""

    thumbprint: str
    """The SHA-256 thumbprint of the proof's key (RFC 7638), the `jkt` of section 6.1."""
    token_id: str
    """The `jti` of the proof, which is accepted once."""
    algorithm: str = field(default="", compare=False)
    """The `alg` of the proof, with the synonym `Ed25519` replaced by `EdDSA` (SAME)."""


def check(text: str, context: ProofContext) -> Proof:
    """Return the proof in `text`, the value of the header `DPoP`, if it is valid for the request in `context`.

    Raises NonceRefused if only its nonce is not accepted, and InvalidProof if another check fails.
    """
    try:
        jws = compact.read(text, longest=LONGEST)
    except compact.Unreadable as error:
        raise InvalidProof(f"it is not a single JWT: {error}") from None
    if not jws.signature:
        raise InvalidProof("it is not a single JWT: it has no signature")
    algorithm = _algorithm(jws.header)
    _check_form(jws.claims)
    _check_request(jws.claims, context)
    key, thumbprint = _key(jws.header.get("jwk"), algorithm)
    if not key.verifies(algorithm, jws.message, jws.signature):
        raise InvalidProof("its signature does not verify by the key in its header")
    _check_time(jws.claims, context)
    return Proof(thumbprint, str(jws.claims["jti"]), algorithm)


def token_hash(access_token: str) -> str:
    """Return the `ath` of an access token (RFC 9449 section 4.2)."""
    digest = hashlib.sha256(access_token.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _algorithm(header: Mapping[str, Any]) -> str:
    """Return the `alg` of the proof, with the synonym `Ed25519` replaced by `EdDSA` (SAME).

    Raises InvalidProof if `typ` or `alg` is not permitted, or if the header requires an extension (`crit`, `b64`).
    """
    if header.get("typ") != TYPE:
        raise InvalidProof(f"its typ is not {TYPE}")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise InvalidProof(f"its alg is not one of {', '.join(ALGORITHMS)}")
    # RFC 7515 section 4.1.11: refuse a critical extension that is not implemented, so any. `b64` is always critical.
    if header.keys() & {"crit", "b64"}:
        raise InvalidProof("it requires an extension that is not supported (crit)")
    return SAME.get(algorithm, algorithm)


def _check_form(claims: Mapping[str, Any]) -> None:
    """Raise InvalidProof unless the claims of the proof have the types and lengths of RFC 9449 section 4.2.

    Requires `jti`, `htm`, `htu` and `iat`. `nonce` is optional.
    """
    for name in ("jti", "htm", "htu"):
        if not isinstance(claims.get(name), str):
            raise InvalidProof(f"its {name} is missing or malformed")
    if not 0 < len(claims["jti"]) <= LONGEST_ID:
        raise InvalidProof(f"its jti is empty, or longer than {LONGEST_ID} characters")
    if not compact.is_instant(claims.get("iat")):
        raise InvalidProof("its iat is missing or malformed")
    if not isinstance(claims.get("nonce", ""), str):
        raise InvalidProof("its nonce is malformed")


def _check_request(claims: Mapping[str, Any], context: ProofContext) -> None:
    """Raise InvalidProof unless `claims` name the method, the URL and the access token of the request in `context`."""
    if claims["htm"] != context.method:
        raise InvalidProof("its htm is not the method of the request")
    url = target_uri.normal(claims["htu"])
    if url is None or url != target_uri.normal(context.url):
        raise InvalidProof("its htu is not the URL of the request")
    if context.access_token is None:
        return
    ath = claims.get("ath")
    if not isinstance(ath, str) or not hmac.compare_digest(ath.encode(), token_hash(context.access_token).encode()):
        raise InvalidProof("its ath is not the hash of the access token")


def _key(jwk: object, algorithm: str) -> tuple[ClientKey, str]:
    """Return the public key in the proof's header, and the key's thumbprint.

    Raises InvalidProof if the key is not accepted, or is not of the kind that `algorithm` needs.
    """
    if not isinstance(jwk, dict):
        raise InvalidProof("its jwk is missing or malformed")
    named = {**jwk, "alg": SAME[jwk["alg"]]} if jwk.get("alg") in list(SAME) else jwk
    try:
        key = public_keys.read(named)
    except UnusableKey as error:
        raise InvalidProof(f"its jwk is not accepted. {error}") from None
    if algorithm not in key.algorithms:
        raise InvalidProof("its jwk is of another kind than its alg")
    # Another spelling of the same numbers would have another thumbprint.
    canonical = key_format.public_jwk(key.public_key, algorithm)
    if any(jwk[name] != canonical[name] for name in key_format.REQUIRED[canonical["kty"]]):
        raise InvalidProof("its jwk is not written as RFC 7518 section 6 says")
    return key, canonical["kid"]


def _check_time(claims: Mapping[str, Any], context: ProofContext) -> None:
    """Make the checks 10 and 11 of RFC 9449 section 4.3, which refuse a proof that is not current.

    Raises NonceRefused if the proof has a nonce that is not accepted now, or if it has no nonce and the issuer requires
    one. If there is no nonce and none is required, raises InvalidProof unless `iat` is at most WINDOW from now.
    """
    nonce = claims.get("nonce")
    if nonce is None and context.requires_nonce:
        raise NonceRefused("it has no nonce, which this issuer requires")
    if nonce is None:
        if abs(claims["iat"] - context.now.timestamp()) > WINDOW.total_seconds():
            raise InvalidProof(f"its iat is more than {WINDOW.seconds} s from the issuer's clock")
        return
    # A nonce dates the proof by the issuer's own clock, also if the client's clock is wrong (section 11.1).
    if not any(hmac.compare_digest(nonce.encode(), accepted.encode()) for accepted in context.nonces):
        raise NonceRefused("its nonce is not one of this issuer, or is too old")
