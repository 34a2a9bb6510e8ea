"""Step 6. The API finds the token's `kid` among the issuer's published keys and verifies the signature and the claims.

`credentials` and `verify` establish, with the cheap checks first:
1. The Authorization header presents one token of at most 8 KiB, and no other part of the request presents a token.
2. The token is a compact JWS (`compact_jws`).
3. The header has the type of an access token, a `kid` and an `alg`, and no critical extension.
4. The issuer is trusted.
5. The algorithm is accepted for this issuer, and the issuer publishes a key with this `kid` for this algorithm.
6. The key verifies the signature.
7. The claims are well-formed, name this issuer and this API, are valid at this time, and have scopes. The request has a
   DPoP proof if and only if the token is bound to a key (dpop/proof.py checks the proof).
8. Neither the issuer's revocation feed nor this API's settings refuse the token.

The caller must answer InvalidToken with 401, InvalidRequest with 400 and Unavailable with 503, and must check that the
scopes permit the request. Pure: keys, refusals and time are arguments.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from .dpop.confirmation import check_binding
from .errors import InvalidRequest, InvalidToken, Reason
from .issuer_trust import TrustedIssuer
from .jose.compact_jws import MAX_TOKEN, decoded, header, is_instant, json_object, segments
from .principal import AccessToken

MAX_NAME = 255  # characters of sub, client_id and jti (OpenID Connect Core section 2)
LEEWAY = 30  # seconds that exp and nbf may be off
MAX_AHEAD = 120  # seconds that iat may be in the future

ACCESS_TOKEN = frozenset({"at+jwt", "application/at+jwt"})
ANY_JWT = ACCESS_TOKEN | {"jwt", "application/jwt"}
"""The accepted types if DANGEROUSLY_ACCEPT_TYP_JWT is set. The last two are also the types of ID tokens."""
ID_TOKEN_CLAIMS = frozenset({"at_hash", "nonce"})

_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_SCOPE = re.compile(r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?")


def credentials(authorization: str | None, *, also_in_query: bool, scheme: str = "bearer") -> str | None:
    """Return the token of an Authorization header, or None if the header is missing or its scheme is not `scheme`.

    `also_in_query` is True if the query string has an `access_token`, too. A token in the query alone is ignored.

    Raises InvalidRequest if the header is malformed or the token is also in the query (RFC 6750 sections 2.1 and 3.1),
    and InvalidToken if the token is too long.
    """
    named, _, rest = (authorization or "").partition(" ")
    if named.lower() != scheme:
        return None
    token = rest.lstrip(" ")
    # RFC 6750 section 2: a request must not present a token in more than one way.
    if also_in_query:
        raise InvalidRequest
    if len(token) > MAX_TOKEN:
        raise InvalidToken(Reason.TOO_LONG)
    if not _B64TOKEN.fullmatch(token):
        raise InvalidRequest
    return token


def verify(
    token: str,
    *,
    issuers: Mapping[str, TrustedIssuer],
    audience: frozenset[str],
    now: datetime,
    types: frozenset[str] = ACCESS_TOKEN,
    with_proof: bool = False,
) -> AccessToken:
    """Verify an access token and return it (RFC 9068 section 4).

    `issuers` are the trusted issuers by URL. `audience` has the accepted values of `aud`. `types` has the accepted
    values of `typ`, and is ACCESS_TOKEN or ANY_JWT. `with_proof` is True if the request has a DPoP proof. A token with
    a proof must be bound to a key, and the caller must check the proof. A token without a proof must not be bound.

    Raises InvalidToken if a check fails, and Unavailable if keys or revocations are not known now.
    """
    header_part, payload_part, signature_part = segments(token)
    kid, algorithm = header(header_part, types=types)
    issuer, claims = _issuer(payload_part, issuers)
    check_signature(token, kid, algorithm, signature_part, issuer)
    if claims is None:
        claims = json_object(payload_part)
    seconds = now.timestamp()
    _check_addressing(claims, issuer.url, audience)
    check_binding(claims, with_proof=with_proof)
    check_times(claims, seconds)
    _check_identity(claims)
    if "jwt" in types and not ID_TOKEN_CLAIMS.isdisjoint(claims):
        raise InvalidToken(Reason.TYPE, "typ")
    scopes = _scopes(claims)
    if revoked := issuer.refusals(now).reason(kid, claims):  # check 8
        raise InvalidToken(Reason.REVOKED, revoked)
    return AccessToken(MappingProxyType(claims), kid, scopes, token)


def _issuer(payload_part: str, issuers: Mapping[str, TrustedIssuer]) -> tuple[TrustedIssuer, dict[str, Any] | None]:
    """Return the issuer whose keys must verify the token, and the unverified claims.

    If there is only one trusted issuer, the payload is not read, and None is returned in place of the claims. Raises
    InvalidToken if there are several issuers, and the payload is malformed or its `iss` is not one of them.
    """
    # `iss` is not verified yet. It only selects one of several trusted issuers, and check 7 compares it again.
    if len(issuers) == 1:
        return next(iter(issuers.values())), None
    claims = json_object(payload_part)
    iss = claims.get("iss")
    if not isinstance(iss, str) or iss not in issuers:
        raise InvalidToken(Reason.ISSUER, "iss")
    return issuers[iss], claims


def check_signature(token: str, kid: str, algorithm: str, signature_part: str, issuer: TrustedIssuer) -> None:
    """Verify the signature with a key of `issuer` for this kid and algorithm.

    Raises InvalidToken if the algorithm is not accepted, if there is no such key, or if no such key verifies the
    signature. Raises Unavailable if the issuer's keys are not known now.
    """
    if algorithm not in issuer.algorithms:
        raise InvalidToken(Reason.ALGORITHM, "alg")
    signature = decoded(signature_part)
    keys = issuer.keys.find(kid, algorithm)
    if not keys:
        raise InvalidToken(Reason.KEY, "kid")
    message = token[: -len(signature_part) - 1].encode("ascii")
    # Two keys of an issuer can have the same kid (RFC 7517 section 4.5).
    for key in keys:
        if key.verifies(algorithm, message, signature):
            return
    issuer.keys.recheck()
    raise InvalidToken(Reason.SIGNATURE)


def _check_addressing(claims: Mapping[str, Any], issuer: str, audience: frozenset[str]) -> None:
    """Require `issuer` as `iss`, and one of the values in `audience` in `aud` (RFC 9068 section 4).

    Raises InvalidToken if `iss` differs, or if `aud` is malformed or does not name this API.
    """
    if claims.get("iss") != issuer:
        raise InvalidToken(Reason.ISSUER, "iss")
    aud = claims.get("aud")
    if isinstance(aud, str):
        aud = [aud]
    if not isinstance(aud, list) or not all(isinstance(name, str) for name in aud):
        raise InvalidToken(Reason.CLAIM, "aud")
    if audience.isdisjoint(aud):
        raise InvalidToken(Reason.AUDIENCE, "aud")


def check_times(claims: Mapping[str, Any], seconds: float) -> None:
    """Compare exp, iat and nbf with `seconds`, the current Unix time.

    Raises InvalidToken if a time is malformed, or if the token has expired or is not valid yet.
    """
    exp, iat = claims.get("exp"), claims.get("iat")
    if not is_instant(exp):
        raise InvalidToken(Reason.CLAIM, "exp")
    if not is_instant(iat):
        raise InvalidToken(Reason.CLAIM, "iat")
    if exp <= seconds - LEEWAY:
        raise InvalidToken(Reason.EXPIRED, "exp")
    if iat > seconds + MAX_AHEAD:
        raise InvalidToken(Reason.NOT_YET, "iat")
    if "nbf" in claims:
        if not is_instant(claims["nbf"]):
            raise InvalidToken(Reason.CLAIM, "nbf")
        if claims["nbf"] > seconds + LEEWAY:
            raise InvalidToken(Reason.NOT_YET, "nbf")
    if "auth_time" in claims and not is_instant(claims["auth_time"]):
        raise InvalidToken(Reason.CLAIM, "auth_time")


def _check_identity(claims: Mapping[str, Any]) -> None:
    """Require printable strings as sub, client_id and jti (RFC 9068 section 2.2).

    Raises InvalidToken if a claim is missing, too long or unprintable.
    """
    # Unprintable characters could forge log lines, and some databases cannot store NUL.
    for name in ("sub", "client_id", "jti"):
        value = claims.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
            raise InvalidToken(Reason.CLAIM, name)
    for name in ("grant_id", "acr"):
        if name in claims and not isinstance(claims[name], str):
            raise InvalidToken(Reason.CLAIM, name)


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the granted scopes (RFC 6749 section 3.3). Raises InvalidToken if `scope` is malformed."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):
        raise InvalidToken(Reason.CLAIM, "scope")
    # A set, not a string: `"read" in "read_all"` is true.
    return frozenset(scope.split(" ")) if scope else frozenset()
