"""Reads, verifies and checks a JWT by which a client authenticates or names a user (RFC 7523 section 3). Pure.

An assertion is valid if
1. it is a compact JWT with a permitted `alg`, an expected `typ`, and no critical extension (`read`);
2. iss, sub, aud, exp and jti are present and well-formed (`read`);
3. a key of the client verifies its signature (`Assertion.verified`);
4. its only audience is this issuer, it has begun to be valid, and it has not expired (`check`);
5. its `jti` is used for the first time. The caller checks this (`private_key_jwt.use_once`).

An assertion either authenticates its client, or is a grant that names a user. The caller passes the `typ` values that
it accepts, so that one kind of assertion is never accepted as the other kind (RFC 8725 section 3.11). If the `typ` is
missing or `JWT`, the caller compares `sub` with `iss`: they are equal only if the assertion authenticates its client.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tokens.jose import compact, key_choice
from tokens.jose.public_keys import ALGORITHMS, ClientKey

LONGEST = 8 * 1024  # characters
LONGEST_ID = 255  # characters of iss, sub and jti
CLOCK_ERROR = timedelta(seconds=60)
"""The permitted difference between a client's clock and the issuer's."""
LONGEST_LIFE = timedelta(hours=1)
"""The longest permitted time from now to `exp`. Common libraries send an hour. A used `jti` is stored until `exp`."""


class InvalidAssertion(Exception):
    """The assertion is not valid. The message gives the reason and never contains the assertion."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A parsed assertion. The caller must not trust the content until `verified` has returned True."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    message: bytes
    signature: bytes = field(repr=False)

    @property
    def type(self) -> str | None:
        """Return `typ` in lower case and without `application/` (RFC 7515 section 4.1.9), or None if there is none."""
        return _type(self.header)

    @property
    def issuer(self) -> str:
        """Return the `client_id` of the client that claims to have made the assertion (`iss`)."""
        return str(self.claims["iss"])

    @property
    def subject(self) -> str:
        """Return the client or user that the assertion is about (`sub`)."""
        return str(self.claims["sub"])

    @property
    def audience(self) -> str:
        """Return the only audience of the assertion (`aud`)."""
        audience = self.claims["aud"]
        return str(audience[0] if isinstance(audience, list) else audience)

    @property
    def token_id(self) -> str:
        """Return the assertion's identifier (`jti`), which its client may use once."""
        return str(self.claims["jti"])

    @property
    def expires_at(self) -> datetime:
        """Return the instant at which the assertion expires (`exp`)."""
        return datetime.fromtimestamp(self.claims["exp"], UTC)

    def verified(self, keys: Sequence[ClientKey], *, stand_in: ClientKey) -> bool:
        """Return True if one of `keys` signed the assertion.

        If no key fits the `kid` and `alg` of the assertion, verifies with the dummy key `stand_in` and returns False.
        The dummy key keeps the timing constant.
        """
        algorithm = self.header["alg"]
        candidates = key_choice.candidates(keys, kid=self.header.get("kid"), algorithm=algorithm)
        # Verify with the dummy key if there is no candidate, so that timing does not reveal if a client has a key.
        signed = any(key.verifies(algorithm, self.message, self.signature) for key in candidates or (stand_in,))
        return signed and bool(candidates)


def read(text: str, *, types: Collection[str | None]) -> Assertion:
    """Parse the assertion in `text`, without verifying its signature.

    `types` are the accepted values of `typ`, with None for a missing `typ`. Raises InvalidAssertion unless `parse`
    accepts the JWT, and iss, sub, aud, exp and jti are present and well-formed.
    """
    parsed = parse(text, types=types)
    for name in ("iss", "sub", "jti"):
        value = parsed.claims.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
            raise InvalidAssertion(f"its {name} is missing or malformed")
    check_form(parsed.claims)
    return parsed


def parse(text: str, *, types: Collection[str | None]) -> Assertion:
    """Parse a JWT of a client. Checks the form and the header, not the claims or the signature.

    `types` are the accepted values of `typ`, with None for a missing `typ`. Raises InvalidAssertion if the text is not
    a JWT, its algorithm or `typ` is not accepted, or its header has `crit` or a malformed `kid`.
    """
    if len(text) > LONGEST or text.count(".") != 2:
        raise InvalidAssertion(f"it is not a JWT, or is longer than {LONGEST} characters")
    try:
        jws = compact.read(text, longest=LONGEST)
    except compact.Unreadable as error:
        raise InvalidAssertion(f"it is not a JWT: {error}") from None
    _check_header(jws.header, types)
    return Assertion(jws.header, jws.claims, jws.message, jws.signature)


def check(assertion: Assertion, *, audiences: Collection[str], now: datetime) -> None:
    """Check the audience and the dates of a verified assertion (RFC 7523 section 3, items 3 to 6).

    Raises InvalidAssertion if the `aud` is not one of `audiences`, if the assertion has expired or is not valid yet, or
    if the `exp` is more than LONGEST_LIFE after `now`. Tolerates CLOCK_ERROR in each date.
    """
    if assertion.audience not in audiences:
        raise InvalidAssertion("its aud is not this issuer")
    if assertion.expires_at <= now - CLOCK_ERROR:
        raise InvalidAssertion("it has expired")
    # A used `jti` is remembered until the assertion expires: an unbounded `exp` would fill the table.
    if assertion.expires_at > now + LONGEST_LIFE + CLOCK_ERROR:
        raise InvalidAssertion(f"its exp is more than {LONGEST_LIFE} ahead")
    starts = max(assertion.claims.get("nbf", 0), assertion.claims.get("iat", 0))
    if starts > (now + CLOCK_ERROR).timestamp():
        raise InvalidAssertion("it is not valid yet")


def _check_header(header: Mapping[str, Any], types: Collection[str | None]) -> None:
    if header.get("alg") not in ALGORITHMS:
        raise InvalidAssertion(f"its alg is not one of {', '.join(ALGORITHMS)}")
    if not isinstance(header.get("typ"), str | None) or _type(header) not in types:
        raise InvalidAssertion("its typ is that of another kind of JWT")
    if "crit" in header:  # RFC 7515 section 4.1.11: refuse a critical extension that is not implemented, so any
        raise InvalidAssertion("it requires an extension that is not supported (crit)")
    if not isinstance(header.get("kid", ""), str):
        raise InvalidAssertion("its kid is not a string")


def _type(header: Mapping[str, Any]) -> str | None:
    typ: str | None = header.get("typ")
    return typ and typ.lower().removeprefix("application/")


def check_form(claims: Mapping[str, Any]) -> None:
    """Raise InvalidAssertion unless the claims of a JWT have one audience, an `exp`, and well-formed dates."""
    audience = claims.get("aud")
    if not isinstance(audience, str) and not (isinstance(audience, list) and len(audience) == 1):
        raise InvalidAssertion("its aud is missing, or does not name exactly one receiver")
    if isinstance(audience, list) and not isinstance(audience[0], str):
        raise InvalidAssertion("its aud is malformed")
    for name in ("exp", "nbf", "iat"):
        if name in claims and not compact.is_instant(claims[name]):
            raise InvalidAssertion(f"its {name} is malformed")
    if "exp" not in claims:
        raise InvalidAssertion("it has no exp")
