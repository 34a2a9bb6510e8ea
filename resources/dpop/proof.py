"""Checks a DPoP proof, by which the client shows that it holds the key of its access token (RFC 9449). Pure.

`check` establishes, after `verify.verify` has verified the token (RFC 9449 section 4.3):
1. The request has one DPoP header, which is a compact JWS of at most 8 KiB.
2. The header of the JWS has the type `dpop+jwt` and no critical extension.
3. The algorithm is accepted.
4. The key in `jwk` is a usable public key for this algorithm.
5. The token is bound to this key: the thumbprint of the key is `cnf.jkt`.
6. The key verifies the signature.
7. `jti`, `htm` and `htu` are well-formed. `htm` and `htu` are the method and the URI of this request.
8. `ath` is the hash of the token.
9. `nonce` is recent if this API requires nonces. Otherwise `iat` is recent.

The caller must make check 10: refuse the proof if a proof with the same `Proof.digest` was accepted before.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

from ..errors import InvalidProof, InvalidToken, NonceRequired, ProofReason, Reason
from ..jose.compact_jws import MAX_TOKEN, decoded, is_instant, json_object, segments
from ..jose.jwk import MEMBERS, Key, judge
from .nonce import Nonces
from .target import Target, target

TYPE = "dpop+jwt"
ALIASES = {"Ed25519": "EdDSA"}
"""Synonyms of algorithms. `Ed25519` (RFC 9864) is `EdDSA` with the curve Ed25519, with the same signatures."""
MAX_HEADER_PART = -(-2048 * 4 // 3)  # 2 KiB in base64url: an RSA key of 8192 bits has 1,366 characters
MAX_JTI = 256  # characters
AHEAD = 30  # seconds that a client's clock may be ahead


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of an API for proofs. `window` is the greatest age of a proof in seconds."""

    algorithms: frozenset[str]
    window: float
    nonces: Nonces | None = None
    """The nonces of this API if it requires one in every proof, else None. With a nonce, `iat` need not be recent."""


@dataclass(frozen=True, slots=True)
class BoundRequest:
    """A request whose token is bound to a key.

    `proof` is the value of the DPoP header, or None if there is no DPoP header. `jkt` is the `cnf.jkt` of the token.
    """

    proof: str | None = field(repr=False)
    method: str
    target: Target
    token: str = field(repr=False)
    jkt: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A DPoP proof that `check` accepted.

    The caller must still refuse the proof if a proof with the same `digest` was accepted before (a replay).
    """

    digest: bytes
    """A hash of the key and the `jti`, which identifies the proof."""
    nonce: str


@dataclass(frozen=True, slots=True)
class ProofKey:
    """The public key in the header of a proof, with its algorithm and its thumbprint (RFC 7638)."""

    algorithm: str
    key: Key
    thumbprint: str


def check(request: BoundRequest, rules: Rules, *, seconds: float) -> Proof:
    """Verify the DPoP proof of a request, and return it. `seconds` is the current Unix time.

    Raises InvalidToken if the token is bound to another key, NonceRequired if this API requires a nonce and the proof
    has no recent one, and InvalidProof if another check fails. The caller must refuse the proof if its `digest` was
    accepted before (a replay).
    """
    value = request.proof or ""
    try:
        header_part, payload_part, signature_part = segments(value, longest=MAX_TOKEN)
        holder = _holder(header_part, rules.algorithms)
        signature, claims = decoded(signature_part), json_object(payload_part)
    except InvalidToken as error:  # the JWS is malformed
        raise InvalidProof(ProofReason.HEADER, defect=error.reason) from error
    if holder.thumbprint != request.jkt:
        raise InvalidToken(Reason.BINDING, "cnf")
    message = value[: -len(signature_part) - 1].encode("ascii")
    if not holder.key.verifies(holder.algorithm, message, signature):
        raise InvalidProof(ProofReason.SIGNATURE)
    jti = _check_request(claims, request)
    return Proof(_digest(holder.thumbprint, jti), _check_time(claims, rules, seconds))


@lru_cache(maxsize=1024)  # of at most 8 KB each: a client's proofs share their header
def _holder(part: str, algorithms: frozenset[str]) -> ProofKey:
    """Check the type, the algorithm and the key in the header of a proof. Return the key.

    `part` is the header in base64url, and `algorithms` are the accepted algorithms. Raises InvalidProof if a check
    fails.
    """
    if len(part) > MAX_HEADER_PART:
        raise InvalidProof(ProofReason.HEADER, defect=Reason.TOO_LONG)
    members = json_object(part)
    if members.get("typ") != TYPE:
        raise InvalidProof(ProofReason.TYPE, "typ")
    if "crit" in members or "b64" in members:
        raise InvalidProof(ProofReason.CRITICAL, "crit")
    algorithm, jwk = members.get("alg"), members.get("jwk")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidProof(ProofReason.ALGORITHM, "alg")
    if not isinstance(jwk, dict) or jwk.get("alg", algorithm) != algorithm:
        raise InvalidProof(ProofReason.KEY, "jwk")
    algorithm = ALIASES.get(algorithm, algorithm)
    key = judge({**jwk, "kid": "jwk", "alg": algorithm}, algorithms=frozenset({algorithm})).key
    if key is None:
        raise InvalidProof(ProofReason.KEY, "jwk")
    return ProofKey(algorithm, key, thumbprint(jwk))


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the SHA-256 thumbprint of a public key that `jwk.judge` accepts (RFC 7638 section 3)."""
    # The members are base64url or names of curves, which need no escaping in JSON.
    canonical = ",".join(f'"{name}":"{jwk[name]}"' for name in sorted(MEMBERS[jwk["kty"]]))
    return token_hash(f"{{{canonical}}}")


def _check_request(claims: Mapping[str, Any], request: BoundRequest) -> str:
    """Compare the claims of the proof with the request and the token. Returns the `jti`.

    Raises InvalidProof if a claim is malformed or differs.
    """
    jti, htu = claims.get("jti"), claims.get("htu")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise InvalidProof(ProofReason.ID, "jti")
    if claims.get("htm") != request.method:
        raise InvalidProof(ProofReason.METHOD, "htm")
    if not isinstance(htu, str) or target(htu) != request.target:
        raise InvalidProof(ProofReason.URI, "htu")
    if claims.get("ath") != token_hash(request.token):
        raise InvalidProof(ProofReason.TOKEN, "ath")
    return jti


def _check_time(claims: Mapping[str, Any], rules: Rules, seconds: float) -> str:
    """Check that the proof is recent. Return its nonce, or "" if this API does not require nonces.

    If this API requires nonces, the proof must have a recent nonce, and NonceRequired is raised if it has none.
    Otherwise, `iat` must be recent, and InvalidProof is raised if it is not. In both cases, InvalidProof is raised if
    `iat` is missing or malformed.
    """
    iat = claims.get("iat")
    if not is_instant(iat):
        raise InvalidProof(ProofReason.TIME, "iat")
    if rules.nonces is None:
        if not seconds - rules.window <= iat <= seconds + AHEAD:
            raise InvalidProof(ProofReason.TIME, "iat")
        return ""
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not rules.nonces.accepts(nonce, seconds):
        raise NonceRequired
    return nonce


def token_hash(text: str) -> str:
    """Return the base64url of the SHA-256 of an ASCII text.

    For an access token, this is the claim `ath` of a proof (RFC 9449 section 4.2).
    """
    return urlsafe_b64encode(sha256(text.encode("ascii")).digest()).decode().rstrip("=")


def _digest(key: str, jti: str) -> bytes:
    return sha256(f"{key}{jti}".encode("utf-8", "surrogatepass")).digest()[:16]
