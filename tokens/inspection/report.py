"""Checks a token against RFC 9068 and reports each requirement with its result. Pure.

The report is for people who want to understand a token of this or another issuer. It is not used to decide a request.

The points, in this order:
1. A key of the issuer verifies the signature, and that key is published.
2. The header has the type of an access token, an asymmetric algorithm, a kid, and no critical extension.
3. The required claims are present and well-formed. Optional claims that are present are well-formed.
4. The token is from the expected issuer, has not expired, and was not issued in the future.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tokens.inspection import requirements, signature_trial
from tokens.inspection.requirements import Point
from tokens.inspection.signature_trial import VERIFIED, VerificationKey
from tokens.jose import compact
from tokens.languages import sentence

LONGEST = 64 * 1024  # characters


class NoToken(Exception):
    """The text is not a JWT. The message gives the reason and never contains the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The report on a token."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: str
    """`verified`, or the reason why the signature was not verified."""
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
        key_phase=key.phase if key else sentence("unknown"),
        points=[
            Point(sentence("the signature verifies"), "RFC 9068 section 4", signature == VERIFIED, signature),
            *requirements.of_key(key),
            *requirements.of_header(header),
            *requirements.of_claims(claims),
            *requirements.of_validity(claims, issuer=issuer, now=now),
        ],
    )


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(text) > LONGEST:
        raise NoToken(sentence("it is longer than {longest} characters", longest=LONGEST))
    if text.count(".") != 2:
        raise NoToken(sentence("a signed JWT has three parts, separated by dots"))
    header, claims, _ = text.split(".")
    return _object("header", header), _object("payload", claims)


def _object(name: str, part: str) -> dict[str, Any]:
    try:
        return compact.json_object(part)
    except compact.Unreadable as error:
        raise NoToken(sentence("its {name} cannot be read: {error}", name=name, error=error)) from None
