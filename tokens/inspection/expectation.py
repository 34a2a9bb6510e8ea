"""The expected value of one header parameter or claim of an inspected token, such as the kid of a key. Pure.

The admin links from such a value to the page that inspects a token, with name and value in the query of the URL. Only
the names in NAMES are permitted, because their values are identifiers and not credentials. A token is never in a URL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMES = ("jti", "kid", "grant_id", "sub", "sid", "client_id", "aud")
LONGEST = 255  # characters


@dataclass(frozen=True, slots=True)
class Expectation:
    """The value that a header parameter or claim of an inspected token should have."""

    name: str
    value: str

    def actual(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> list[str]:
        """Return the token's values of the header parameter or claim `name`. Only `aud` can have several values."""
        value = (header if self.name == "kid" else claims).get(self.name)
        values = value if isinstance(value, list) else [value]
        return [one for one in values if isinstance(one, str)]

    def holds(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
        """Return True if one of the token's values of `name` is the expected value."""
        return self.value in self.actual(header, claims)


def read(parameters: Mapping[str, str]) -> Expectation | None:
    """Return the expectation in the query parameters of a URL.

    Only the first parameter in the order of NAMES counts. Returns None if there is none, or if its value is too long or
    not printable.
    """
    named = ((name, parameters[name]) for name in NAMES if parameters.get(name))
    name, value = next(named, ("", ""))
    return Expectation(name, value) if value and len(value) <= LONGEST and value.isprintable() else None


def of_value(name: str, value: object) -> Expectation | None:
    """Return the expectation that a token's `name` has `value`, the value of a field in the admin.

    If the value is an object, such as a JWK or the details of an event, returns the expectation for one of its members,
    the first in the order of NAMES. Returns None if there is nothing to expect.
    """
    if isinstance(value, Mapping):
        return read({name: text for name, text in value.items() if isinstance(text, str)})
    return read({name: str(value)}) if value else None


NOUNS = {"key": "kid", "client": "client_id", "grant": "grant_id"}
"""By noun of a subject in the audit trail: the name of its value in tokens. Events name users by username."""


def of_subject(subject: str) -> Expectation | None:
    """Return the expectation for an actor or subject of the audit trail, such as the kid `abc` for `key:abc`.

    Returns None if tokens do not contain the value, as for `user:alice`.
    """
    noun, _, value = subject.partition(":")
    return of_value(NOUNS.get(noun, ""), value)
