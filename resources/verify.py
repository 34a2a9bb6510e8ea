"""Step 6. The API finds the token's `kid` among the issuer's published keys and verifies the signature and the claims.

Pure: keys, refusals and time are arguments. Cheap checks come first, and each is numbered.
Everything that is wrong with a token raises InvalidToken with a reason; keys that cannot be had raise Unavailable.
"""

import re
from binascii import a2b_base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol, TypeGuard

from resources import strict_json
from resources.errors import InvalidRequest, InvalidToken, Reason
from resources.jwk import MAX_KID, Key
from resources.principal import AccessToken
from resources.refusals import NONE, Refusals

MAX_TOKEN = 8 * 1024
MAX_HEADER_PART = -(-1024 * 4 // 3)  # 1 KiB in base64url
MAX_NAME = 255  # characters of sub, client_id and jti (OpenID Connect Core section 2)
LEEWAY = 30  # seconds that exp and nbf may be off
MAX_AHEAD = 120  # seconds that iat may lie in the future
END_OF_TIME = 253_402_300_799  # the last second that a datetime can hold

ACCESS_TOKEN = frozenset({"at+jwt", "application/at+jwt"})

_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_SEGMENTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_SCOPE = re.compile(r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?")
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
# The last character of a segment, by the segment's length modulo 4: those whose unused bits are zero.
_LAST = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}


class Keys(Protocol):
    """Where an issuer's public keys come from."""

    def find(self, kid: str, algorithm: str) -> Sequence[Key]:
        """The keys under `kid` for `algorithm`; empty when the issuer has none. Raises Unavailable."""

    def doubt(self) -> None:
        """Be told that a known key did not verify a signature: perhaps the issuer has replaced it."""

    def ready(self) -> bool:
        """Whether there are keys to verify with, after one attempt to get them."""

    def status(self) -> dict[str, Any]:
        """What an operator wants to know."""


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer that this API was configured to trust."""

    url: str
    algorithms: frozenset[str]
    keys: Keys
    refusals: Callable[[datetime], Refusals] = lambda _now: NONE
    """Returns what is refused at an instant although it verifies. Raises Unavailable if that is not known."""


def credentials(authorization: str | None, *, also_in_query: bool) -> str | None:
    """Check 1: the token of an Authorization header, or None when the header carries no bearer token.

    `also_in_query` tells that the query string names an `access_token`; one there alone is not looked at.
    Raises InvalidRequest (RFC 6750 sections 2.1 and 3.1), and InvalidToken for one too long to look at.
    """
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    token = rest.lstrip(" ")
    if also_in_query:
        raise InvalidRequest
    if len(token) > MAX_TOKEN:
        raise InvalidToken(Reason.TOO_LONG)
    if not _B64TOKEN.fullmatch(token):
        raise InvalidRequest
    return token


def verify(token: str, *, issuers: Mapping[str, TrustedIssuer], audience: frozenset[str], now: datetime) -> AccessToken:
    """The verified token (RFC 9068 section 4). Raises InvalidToken, or Unavailable when no keys can be had.

    `issuers` are the trusted ones by URL, `audience` every `aud` that means this API.
    """
    header_part, payload_part, signature_part = segments(token)
    kid, algorithm = header(header_part, types=ACCESS_TOKEN)
    issuer, claims = _issuer(payload_part, issuers)
    check_signature(token, kid, algorithm, signature_part, issuer)
    if claims is None:
        claims = json_object(payload_part)
    seconds = now.timestamp()
    _check_addressing(claims, issuer.url, audience)
    _check_times(claims, seconds)
    _check_identity(claims)
    scopes = _scopes(claims)
    if revoked := issuer.refusals(now).reason(kid, claims):  # check 8
        raise InvalidToken(Reason.REVOKED, revoked)
    return AccessToken(MappingProxyType(claims), kid, scopes, token)


def segments(token: str, *, longest: int = MAX_TOKEN) -> tuple[str, str, str]:
    """Check 2: the three base64url segments of a compact JWS (RFC 7515 section 7.1), as they were sent."""
    if len(token) > longest:
        raise InvalidToken(Reason.TOO_LONG)
    match = _SEGMENTS.fullmatch(token)
    if match is None:
        raise InvalidToken(Reason.MALFORMED)
    head, payload, signature = match.groups()
    return head, payload, signature


@lru_cache(maxsize=256)  # of at most 1.4 KB each: an issuer's tokens share their header
def header(part: str, *, types: frozenset[str]) -> tuple[str, str]:
    """Check 3: `kid` and `alg` of a token header. Where a token names keys or addresses of its own, nobody reads it."""
    if len(part) > MAX_HEADER_PART:
        raise InvalidToken(Reason.TOO_LONG, "header")
    members = json_object(part)
    typ = members.get("typ")
    if not isinstance(typ, str) or typ.lower() not in types:
        raise InvalidToken(Reason.TYPE, "typ")
    if "crit" in members or "b64" in members:
        raise InvalidToken(Reason.CRITICAL, "crit")
    kid, algorithm = members.get("kid"), members.get("alg")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID:
        raise InvalidToken(Reason.KEY, "kid")
    if not isinstance(algorithm, str):
        raise InvalidToken(Reason.ALGORITHM, "alg")
    return kid, algorithm


def _issuer(payload_part: str, issuers: Mapping[str, TrustedIssuer]) -> tuple[TrustedIssuer, dict[str, Any] | None]:
    """Check 4: which trusted issuer's keys to ask; with several, the unverified `iss` may only choose among them."""
    if len(issuers) == 1:
        return next(iter(issuers.values())), None
    claims = json_object(payload_part)
    iss = claims.get("iss")
    if not isinstance(iss, str) or iss not in issuers:
        raise InvalidToken(Reason.ISSUER, "iss")
    return issuers[iss], claims


def check_signature(token: str, kid: str, algorithm: str, signature_part: str, issuer: TrustedIssuer) -> None:
    """Checks 5 and 6: a key of this issuer, under this kid and bound to this algorithm, made the signature."""
    if algorithm not in issuer.algorithms:
        raise InvalidToken(Reason.ALGORITHM, "alg")
    signature = decoded(signature_part)
    keys = issuer.keys.find(kid, algorithm)
    if not keys:
        raise InvalidToken(Reason.KEY, "kid")
    message = token[: -len(signature_part) - 1].encode("ascii")
    for key in keys:
        if key.verifies(algorithm, message, signature):
            return
    issuer.keys.doubt()
    raise InvalidToken(Reason.SIGNATURE)


def _check_addressing(claims: Mapping[str, Any], issuer: str, audience: frozenset[str]) -> None:
    """Check 7: from whom, and for whom (RFC 9068 section 4)."""
    if claims.get("iss") != issuer:
        raise InvalidToken(Reason.ISSUER, "iss")
    aud = claims.get("aud")
    if isinstance(aud, str):
        aud = [aud]
    if not isinstance(aud, list) or not all(isinstance(one, str) for one in aud):
        raise InvalidToken(Reason.CLAIM, "aud")
    if audience.isdisjoint(aud):
        raise InvalidToken(Reason.AUDIENCE, "aud")
    if "cnf" in claims:
        raise InvalidToken(Reason.BOUND, "cnf")


def _check_times(claims: Mapping[str, Any], seconds: float) -> None:
    """Check 7: numbers that are numbers, and a token that has begun and not ended."""
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
    """Check 7: who, through which client, and the token's own name; strings that any log or database can hold."""
    for name in ("sub", "client_id", "jti"):
        value = claims.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
            raise InvalidToken(Reason.CLAIM, name)
    for name in ("grant_id", "acr"):
        if name in claims and not isinstance(claims[name], str):
            raise InvalidToken(Reason.CLAIM, name)


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Check 7: the granted scopes (RFC 6749 section 3.3); a set, so that `read` is never found in `read_all`."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):
        raise InvalidToken(Reason.CLAIM, "scope")
    return frozenset(scope.split(" ")) if scope else frozenset()


def is_instant(value: object) -> TypeGuard[float]:
    """Whether `value` is a NumericDate that a datetime can hold (RFC 7519 section 2); True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= END_OF_TIME


def json_object(part: str) -> dict[str, Any]:
    """The JSON object in a base64url segment; raises InvalidToken."""
    try:
        value = strict_json.parse(decoded(part))
    except ValueError:
        raise InvalidToken(Reason.MALFORMED) from None
    if not isinstance(value, dict):
        raise InvalidToken(Reason.MALFORMED)
    return value


def decoded(part: str) -> bytes:
    """The bytes of a base64url segment, if it is the one way to write them (RFC 4648 section 3.5)."""
    rest = len(part) % 4
    if rest and (rest == 1 or part[-1] not in _LAST[rest]):
        raise InvalidToken(Reason.MALFORMED)
    return a2b_base64(part.encode("ascii").translate(_STANDARD_ALPHABET) + b"===="[: -rest % 4])
