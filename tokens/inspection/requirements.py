"""The requirements of RFC 9068 on a token, each with the section that defines it. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tokens.inspection.signature_trial import ASYMMETRIC, VerificationKey
from tokens.jose.compact import is_instant
from tokens.languages import sentence

CLOCK_ERROR = timedelta(seconds=60)
"""The permitted difference between another issuer's clock and this issuer's."""
TYPES = ("at+jwt", "application/at+jwt")


@dataclass(frozen=True, slots=True)
class Point:
    """The result of a check of one requirement."""

    name: str
    source: str
    """The RFC and section that has the requirement."""
    holds: bool
    detail: str = ""
    """The token's value, or the reason why the requirement does or does not hold."""
    is_advice: bool = False
    """True if a token conforms even if the requirement does not hold."""

    def members(self) -> dict[str, object]:
        """Return the members of the JSON that `inspect_token --json` prints.

        The attribute `detail` is printed as the member `told`, its name in version 0.1.0.
        """
        members = asdict(self)
        return members | {"told": members.pop("detail")}


def of_key(key: VerificationKey | None) -> list[Point]:
    """Check if `key`, with which the signature was checked, is published. Return a list with the result.

    Returns an empty list if `key` is None.
    """
    # An API knows published keys only, so it refuses a token of a withdrawn or revoked key.
    return (
        []
        if key is None
        else [Point(sentence("its key is published"), "RFC 9068 section 4", key.is_published, key.phase)]
    )


def of_header(header: Mapping[str, Any]) -> list[Point]:
    """Check the requirements of RFC 9068 on a token's header, and return the result of each."""
    typ, alg, kid = header.get("typ"), header.get("alg"), header.get("kid")
    is_typed = isinstance(typ, str) and typ.lower() in TYPES
    return [
        Point(sentence("typ is at+jwt"), "RFC 9068 section 2.1", is_typed, _shown(typ)),
        Point(sentence("alg is asymmetric, and not none"), "RFC 9068 section 2.1", alg in ASYMMETRIC, _shown(alg)),
        Point(
            sentence("kid names the key"),
            "RFC 7515 section 4.1.4",
            isinstance(kid, str) and bool(kid),
            _shown(kid),
            is_advice=True,
        ),
        Point(
            sentence("no critical extension is required"),
            "RFC 7515 section 4.1.11",
            "crit" not in header,
            _shown(header.get("crit")),
        ),
    ]


def of_claims(claims: Mapping[str, Any]) -> list[Point]:
    """Check the requirements of RFC 9068 on the form of a token's claims, and return the result of each."""
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
            sentence("{name} is there and well-formed", name=name),
            "RFC 9068 section 2.2",
            fits(claims.get(name)),
            _shown(claims.get(name)),
        )
        for name, fits in required.items()
    ]
    return points + [
        Point(sentence("{name} is well-formed", name=name), source, fits(claims[name]), _shown(claims[name]))
        for name, (source, fits) in optional.items()
        if name in claims
    ]


def of_validity(claims: Mapping[str, Any], *, issuer: str, now: datetime) -> list[Point]:
    """Check if a token of `issuer` with these claims is valid at `now`, and return the result of each check."""
    iss, exp, iat = claims.get("iss"), claims.get("exp"), claims.get("iat")
    seconds, soon = now.timestamp(), (now + CLOCK_ERROR).timestamp()
    points = [
        Point(sentence("iss is the issuer"), "RFC 9068 section 4", iss == issuer, _shown(iss)),
        Point(sentence("it has not expired"), "RFC 9068 section 4", is_instant(exp) and exp > seconds, _when(exp)),
        Point(
            sentence("it was not issued in the future"),
            "RFC 7519 section 4.1.6",
            is_instant(iat) and iat <= soon,
            _when(iat),
        ),
        Point(
            sentence("it lives no longer than a day"),
            sentence("advice: an API that does not read revocations accepts it until it expires"),
            is_instant(exp) and is_instant(iat) and 0 < exp - iat <= 86_400,
            f"{exp - iat} s" if is_instant(exp) and is_instant(iat) else sentence("unknown"),
            is_advice=True,
        ),
    ]
    if "nbf" in claims:
        nbf = claims["nbf"]
        points.append(
            Point(sentence("its nbf has come"), "RFC 7519 section 4.1.5", is_instant(nbf) and nbf <= soon, _when(nbf))
        )
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
    text = sentence("missing") if value is None else str(value) if plain else json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
