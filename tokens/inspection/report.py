"""Checks a token against RFC 9068 and reports each requirement with its result. Pure.

The report is for people who want to understand a token, of this issuer or another. It does not decide about requests.

The points, in this order:
1. A key of the issuer verifies the signature, and that key is published.
2. The header has the type of an access token, an asymmetric algorithm, a kid, and no critical extension.
3. The required claims are present, and those claims and the optional ones are well-formed.
4. The token is this issuer's, has not expired, and was not issued in the future.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tokens.inspection import signature_trial
from tokens.inspection.signature_trial import ASYMMETRIC, VERIFIED, VerificationKey
from tokens.jose import compact
from tokens.jose.compact import is_instant

LONGEST = 64 * 1024  # characters
CLOCK_ERROR = timedelta(seconds=60)
"""The permitted difference between another issuer's clock and this one's."""
TYPES = ("at+jwt", "application/at+jwt")


class NoToken(Exception):
    """The text is not a JWT. The message gives the reason and never contains the text."""


@dataclass(frozen=True, slots=True)
class Point:
    """A requirement of an access token, and if the token meets it. The fields are members of `inspect_token --json`."""

    name: str
    source: str
    """The RFC and section that has the requirement."""
    holds: bool
    told: str = ""
    """The token's value, or the reason."""
    is_advice: bool = False
    """True if a token conforms without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The report on a token."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: str
    """`verified`, or the reason for which the signature is not."""
    key_phase: str
    """The phase of the key that signed the token, or `unknown`."""
    points: Sequence[Point]

    @property
    def conforms(self) -> bool:
        """Return True if the token is an access token by RFC 9068 and is valid at the instant of the inspection."""
        return all(point.holds or point.is_advice for point in self.points)


def inspect(text: str, *, issuer: str, keys: Sequence[VerificationKey], now: datetime) -> Inspection:
    """Return the report on the token in `text`, checked with the `keys` of `issuer`. Raises NoToken if it is no JWT."""
    header, claims = _parts(text.strip())
    signature, key = signature_trial.verdict(text.strip(), header, keys)
    return Inspection(
        header=header,
        claims=claims,
        signature=signature,
        key_phase=key.phase if key else "unknown",
        points=[
            Point("the signature verifies", "RFC 9068 section 4", signature == VERIFIED, signature),
            *_about_key(key),
            *_about_header(header),
            *_about_claims(claims),
            *_about_now(claims, issuer=issuer, now=now),
        ],
    )


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(text) > LONGEST:
        raise NoToken(f"it is longer than {LONGEST} characters")
    if text.count(".") != 2:
        raise NoToken("a signed JWT has three parts, separated by dots")
    header, claims, _ = text.split(".")
    return _object("header", header), _object("payload", claims)


def _object(name: str, part: str) -> dict[str, Any]:
    try:
        return compact.json_object(part)
    except compact.Unreadable as error:
        raise NoToken(f"its {name} cannot be read: {error}") from None


def _about_key(key: VerificationKey | None) -> list[Point]:
    """Return the point that the key is published, or no point if there is no key."""
    # An API knows published keys only, so it refuses a token of a withdrawn or revoked key.
    return [] if key is None else [Point("its key is published", "RFC 9068 section 4", key.is_published, key.phase)]


def _about_header(header: Mapping[str, Any]) -> list[Point]:
    typ, alg, kid = header.get("typ"), header.get("alg"), header.get("kid")
    is_typed = isinstance(typ, str) and typ.lower() in TYPES
    return [
        Point("typ is at+jwt", "RFC 9068 section 2.1", is_typed, _shown(typ)),
        Point("alg is asymmetric, and not none", "RFC 9068 section 2.1", alg in ASYMMETRIC, _shown(alg)),
        Point(
            "kid names the key",
            "RFC 7515 section 4.1.4",
            isinstance(kid, str) and bool(kid),
            _shown(kid),
            is_advice=True,
        ),
        Point(
            "no critical extension is required",
            "RFC 7515 section 4.1.11",
            "crit" not in header,
            _shown(header.get("crit")),
        ),
    ]


def _about_claims(claims: Mapping[str, Any]) -> list[Point]:
    required: Mapping[str, Callable[[Any], bool]] = {
        "iss": is_text,
        "exp": is_instant,
        "aud": lambda value: is_text(value) or (isinstance(value, list) and bool(value) and all(map(is_text, value))),
        "sub": is_text,
        "client_id": is_text,
        "iat": is_instant,
        "jti": is_text,
    }
    optional: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
        "auth_time": ("RFC 9068 section 2.2.1", is_instant),
        "acr": ("RFC 9068 section 2.2.1", is_text),
        "amr": ("RFC 9068 section 2.2.1", lambda value: isinstance(value, list) and all(map(is_text, value))),
        "scope": ("RFC 9068 section 2.2.3", lambda value: isinstance(value, str)),
        "act": ("RFC 8693 section 4.1", _is_actor),
        "nbf": ("RFC 7519 section 4.1.5", is_instant),
    }
    points = [
        Point(
            f"{name} is there and well-formed", "RFC 9068 section 2.2", fits(claims.get(name)), _shown(claims.get(name))
        )
        for name, fits in required.items()
    ]
    return points + [
        Point(f"{name} is well-formed", source, fits(claims[name]), _shown(claims[name]))
        for name, (source, fits) in optional.items()
        if name in claims
    ]


def _about_now(claims: Mapping[str, Any], *, issuer: str, now: datetime) -> list[Point]:
    iss, exp, iat = claims.get("iss"), claims.get("exp"), claims.get("iat")
    seconds, soon = now.timestamp(), (now + CLOCK_ERROR).timestamp()
    points = [
        Point("iss is the issuer", "RFC 9068 section 4", iss == issuer, _shown(iss)),
        Point("it has not expired", "RFC 9068 section 4", is_instant(exp) and exp > seconds, _when(exp)),
        Point("it was not issued in the future", "RFC 7519 section 4.1.6", is_instant(iat) and iat <= soon, _when(iat)),
        Point(
            "it lives no longer than a day",
            "advice: an API that does not read revocations accepts it until it expires",
            is_instant(exp) and is_instant(iat) and 0 < exp - iat <= 86_400,
            f"{exp - iat} s" if is_instant(exp) and is_instant(iat) else "unknown",
            is_advice=True,
        ),
    ]
    if "nbf" in claims:
        nbf = claims["nbf"]
        points.append(Point("its nbf has come", "RFC 7519 section 4.1.5", is_instant(nbf) and nbf <= soon, _when(nbf)))
    return points


def _is_actor(value: Any) -> bool:
    """Return True if `value` is an `act` claim in which each actor has a `sub` (RFC 8693 section 4.1)."""
    while isinstance(value, dict) and is_text(value.get("sub")):
        if "act" not in value:
            return True
        value = value["act"]
    return False


def is_text(value: Any) -> bool:
    """Return True if `value` is a string that is not empty."""
    return isinstance(value, str) and bool(value)


def _when(value: Any) -> str:
    return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC" if is_instant(value) else _shown(value)


def _shown(value: Any) -> str:
    """Return the value in one line of at most 120 characters."""
    plain = isinstance(value, str) and value.isprintable()  # else as JSON: control characters could command a terminal
    text = "missing" if value is None else str(value) if plain else json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
