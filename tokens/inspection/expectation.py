"""The expected value of one header parameter or claim of an inspected token, such as the kid of a key. Pure.

Pages of the admin show values that tokens contain, for example the kid of a key. Each value is a link to the page that
inspects a token. The query of the link has the name and the value, as in `?kid=abc`. Only the names in NAMES are
permitted, because their values are identifiers and not credentials. A token is never in a URL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMES = ("jti", "kid", "grant_id", "sub", "sid", "client_id", "aud")
LONGEST = 255  # characters


@dataclass(frozen=True, slots=True)
class Expectation:
    """The value that an administrator expects in a header parameter or claim of the token to inspect."""

    name: str
    value: str

    def actual(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> list[str]:
        """Return the values that the token has for `self.name`, which is a header parameter (`kid`) or a claim.

        The result has several values if the claim is a list, as `aud` can be. It is empty if the token has no such
        value.
        """
        value = (header if self.name == "kid" else claims).get(self.name)
        values = value if isinstance(value, list) else [value]
        return [entry for entry in values if isinstance(entry, str)]

    def holds(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
        """Return True if a token with this header and these claims has the expected value."""
        return self.value in self.actual(header, claims)


def read(parameters: Mapping[str, str]) -> Expectation | None:
    """Return the expectation that the query parameters of a URL name, such as `kid=abc`.

    If several parameters are in NAMES, the first in the order of NAMES is used. Returns None if there is none, or if
    its value is too long or not printable.
    """
    named = ((name, parameters[name]) for name in NAMES if parameters.get(name))
    name, value = next(named, ("", ""))
    return Expectation(name, value) if value and len(value) <= LONGEST and value.isprintable() else None


def of_value(name: str, value: object) -> Expectation | None:
    """Return the expectation that a token's header parameter or claim `name` has this value.

    If `value` is a mapping, such as a JWK or the details of an event, `name` is ignored. Instead, the first
    name in NAMES that the mapping contains gives the expectation. Returns None if there is nothing to expect, for
    example because `name` is not in NAMES.
    """
    if isinstance(value, Mapping):
        return read({name: text for name, text in value.items() if isinstance(text, str)})
    return read({name: str(value)}) if value else None


NOUNS = {"key": "kid", "client": "client_id", "grant": "grant_id"}
"""The names in NAMES, by the noun of a subject in the audit trail. Other nouns, such as `user`, have no name."""


def of_subject(subject: str) -> Expectation | None:
    """Return the expectation for `subject`, which is an actor or a subject in the audit trail.

    For example, `key:abc` gives the expectation that the kid of a token is `abc`. Returns None if tokens do not contain
    the value, as for `user:alice`.
    """
    noun, _, value = subject.partition(":")
    return of_value(NOUNS.get(noun, ""), value)
