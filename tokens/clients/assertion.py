"""A JWT by which a client asserts something about itself or a user (RFC 7523 section 3): read, verified, judged. Pure.

Every reader names the `typ` values that it accepts. An assertion that authenticates a client is never accepted as a
grant, nor a grant as authentication (RFC 8725 section 3.11). `typ` tells them apart or, without one, `sub`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tokens.jose import compact, public_keys
from tokens.jose.public_keys import ALGORITHMS, ClientKey

LONGEST = 8 * 1024  # characters
LONGEST_ID = 255
CLOCK_ERROR = timedelta(seconds=60)
"""How far a client's clock may be off."""
LONGEST_LIFE = timedelta(hours=1)
"""How far ahead `exp` may lie: what common libraries ask for. A `jti` is remembered that long."""


class InvalidAssertion(Exception):
    """The assertion proves nothing; the message says why, and never repeats it."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion as it came. Nothing in it is to be believed before `verified` returned True."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    message: bytes
    signature: bytes

    @property
    def type(self) -> str | None:
        """Return its `typ` in lower case and without `application/` (RFC 7515 section 4.1.9), or None."""
        return _type(self.header)

    @property
    def issuer(self) -> str:
        """The client that claims to have made it."""
        return str(self.claims["iss"])

    @property
    def subject(self) -> str:
        """Whom it is about."""
        return str(self.claims["sub"])

    @property
    def audience(self) -> str:
        """Return the one receiver that it names (`aud`)."""
        audience = self.claims["aud"]
        return str(audience[0] if isinstance(audience, list) else audience)

    @property
    def token_id(self) -> str:
        """Its own name (`jti`), which its client uses once."""
        return str(self.claims["jti"])

    @property
    def expires_at(self) -> datetime:
        """When it ends."""
        return datetime.fromtimestamp(self.claims["exp"], UTC)

    def verified(self, keys: Sequence[ClientKey], *, stand_in: ClientKey) -> bool:
        """Whether one of `keys` signed it. Where none fits, `stand_in` is verified with, and the answer is no."""
        algorithm = self.header["alg"]
        meant = public_keys.meant(keys, kid=self.header.get("kid"), algorithm=algorithm)
        signed = any(key.verifies(algorithm, self.message, self.signature) for key in meant or (stand_in,))
        return signed and bool(meant)


def read(text: str, *, types: Collection[str | None]) -> Assertion:
    """The assertion in `text`, whose `typ` has to be one of `types`. Raises InvalidAssertion.

    It is well-formed: an algorithm that we know, and iss, sub, aud, exp and jti are what they have to be.
    """
    if len(text) > LONGEST or text.count(".") != 2:
        raise InvalidAssertion("it is no JWT, or too long")
    try:
        jws = compact.read(text, longest=LONGEST)
    except compact.Unreadable as error:
        raise InvalidAssertion(f"it is no JWT: {error}") from None
    _check_header(jws.header, types)
    _check_form(jws.claims)
    return Assertion(jws.header, jws.claims, jws.message, jws.signature)


def check(one: Assertion, *, audiences: Collection[str], now: datetime) -> None:
    """Whether a verified assertion is for us and of this time; raises InvalidAssertion (RFC 7523 section 3)."""
    if one.audience not in audiences:
        raise InvalidAssertion("its aud is not this issuer")
    if one.expires_at <= now - CLOCK_ERROR:
        raise InvalidAssertion("it has expired")
    if one.expires_at > now + LONGEST_LIFE + CLOCK_ERROR:
        raise InvalidAssertion(f"its exp is more than {LONGEST_LIFE} ahead")
    starts = max(one.claims.get("nbf", 0), one.claims.get("iat", 0))
    if starts > (now + CLOCK_ERROR).timestamp():
        raise InvalidAssertion("it is not valid yet")


def _check_header(header: Mapping[str, Any], types: Collection[str | None]) -> None:
    if header.get("alg") not in ALGORITHMS:
        raise InvalidAssertion(f"its alg is none of {', '.join(ALGORITHMS)}")
    if not isinstance(header.get("typ"), str | None) or _type(header) not in types:
        raise InvalidAssertion("its typ is that of something else")
    if "crit" in header:
        raise InvalidAssertion("it has an extension that is not understood")
    if not isinstance(header.get("kid", ""), str):
        raise InvalidAssertion("its kid is no text")


def _type(header: Mapping[str, Any]) -> str | None:
    typ: str | None = header.get("typ")
    return typ and typ.lower().removeprefix("application/")


def _check_form(claims: Mapping[str, Any]) -> None:
    for name in ("iss", "sub", "jti"):
        value = claims.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
            raise InvalidAssertion(f"its {name} is missing or malformed")
    audience = claims.get("aud")
    if not isinstance(audience, str) and not (isinstance(audience, list) and len(audience) == 1):
        raise InvalidAssertion("its aud is missing, or not one")
    if isinstance(audience, list) and not isinstance(audience[0], str):
        raise InvalidAssertion("its aud is malformed")
    for name in ("exp", "nbf", "iat"):
        if name in claims and not compact.is_instant(claims[name]):
            raise InvalidAssertion(f"its {name} is malformed")
    if "exp" not in claims:
        raise InvalidAssertion("it has no exp")
