"""The type of each entry of RESOURCE_SERVER. `entry_values.complete` refuses a value of another type.

A flag must be True or False. A string such as "False" is refused, because Python counts it as true.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any
from urllib.parse import urlsplit

from django.utils.functional import Promise

LONGEST = 10**9  # seconds, about 30 years. Neither infinity nor "not a number" is within this bound.

_SEPARATOR = re.compile(r"[,\s]")


@dataclass(frozen=True, slots=True)
class EntryType:
    """A type of entries: its name in messages, and a function that returns True if a value has this type."""

    name: str
    accepts: Callable[[Any], bool]


def optional(entry_type: EntryType) -> EntryType:
    """Return a type that accepts None and each value that `entry_type` accepts."""
    return EntryType(f"{entry_type.name}, or None", lambda value: value is None or entry_type.accepts(value))


def is_flag(value: object) -> bool:
    """Return True if `value` is True or False."""
    return isinstance(value, bool)


def is_text(value: object) -> bool:
    """Return True if `value` is a string."""
    return isinstance(value, str)


def is_dictionary(value: object) -> bool:
    """Return True if `value` is a dictionary whose keys are strings."""
    return isinstance(value, Mapping) and all(map(is_text, value))


def is_list(value: object, accepts: Callable[[Any], bool]) -> bool:
    """Return True if `value` is a list or another collection of items, and `accepts` returns True for each item."""
    return isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping) and all(map(accepts, value))


def is_url(value: str) -> bool:
    """Return True if `value` is an http or https URL."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def is_word(text: str) -> bool:
    """Return True if `text` is not empty, and contains no comma or white space."""
    return bool(text) and not _SEPARATOR.search(text)


def _are_texts(value: object) -> bool:
    texts = [value] if isinstance(value, str) else value
    return is_list(texts, lambda text: is_text(text) and bool(text))


def _is_text_list(value: object) -> bool:
    return is_list(value, lambda text: is_text(text) and is_word(text))


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not is_flag(value) and 0 < value <= LONGEST


def _are_scopes(value: object) -> bool:
    # Descriptions can be translations, which Django makes as late as possible.
    return (
        isinstance(value, Mapping)
        and is_dictionary(value)
        and is_list(list(value.values()), lambda text: isinstance(text, str | Promise))
    )


def _are_issuers(value: object) -> bool:
    return is_text(value) or is_list(value, lambda issuer: is_text(issuer) or is_dictionary(issuer))


FLAG = EntryType("True or False", is_flag)
TEXT = EntryType("a string", is_text)
TEXTS = EntryType("a list of strings that are not empty", _are_texts)
# Neither a string nor items such as those of "a, b".split(","): a token or key that they name would not be denied.
TEXT_LIST = EntryType(
    'a list such as ["…"], of strings that are not empty and have no comma or white space', _is_text_list
)
SECONDS = EntryType("a positive number of seconds", _is_seconds)
DICTIONARY = EntryType("a dictionary", is_dictionary)

TYPES: Mapping[str, EntryType] = {
    "ISSUERS": EntryType("a list of URLs or dictionaries", _are_issuers),
    "AUDIENCE": TEXTS,
    "ALGORITHMS": TEXTS,
    "JWKS_URL": TEXT,
    "KEY_POLICY": TEXT,
    "SCOPES": EntryType("a dictionary of scopes with their descriptions", _are_scopes),
    "SCOPES_SUPPORTED": optional(TEXTS),
    "AUTHORIZATION_URL": TEXT,
    "TOKEN_URL": TEXT,
    "REALM": TEXT,
    "RESOURCE": TEXT,
    "PUBLIC_URL": TEXT,
    "DPOP_ALGORITHMS": TEXTS,
    "DPOP_REQUIRED": FLAG,
    "DPOP_NONCES": FLAG,
    "DPOP_PROOF_SECONDS": SECONDS,
    "DPOP_REPLAY_CACHE": TEXT,
    "REVOCATIONS": EntryType(
        "True, False or the URL of the feed", lambda value: is_flag(value) or (is_text(value) and is_url(value))
    ),
    "REVOCATIONS_EVERY": SECONDS,
    "REVOCATIONS_LATE_AFTER": SECONDS,
    "REVOCATIONS_WHEN_LATE": TEXT,
    "DENIED_KIDS": TEXT_LIST,
    "DENIED_TOKENS": TEXT_LIST,
    # Not empty: with an unset variable, no token would be refused.
    "DENY": EntryType("the dotted path of a function", lambda value: is_text(value) and bool(value)),
    "LOCAL_USERS": DICTIONARY,
    "METRICS": FLAG,
    "OPERATOR_TOKEN": TEXT,
    "INTROSPECTION_CLIENT_ID": TEXT,
    "INTROSPECTION_CLIENT_SECRET": TEXT,
    "INTROSPECTION_FOR": SECONDS,
    "REMEMBER_TOKENS": FLAG,
    "PATHS": TEXTS,
    "BEHIND_PROXY": FLAG,
    "DANGEROUSLY_ALLOW_ANONYMOUS": FLAG,
    "DANGEROUSLY_ACCEPT_TYP_JWT": FLAG,
    "DANGEROUSLY_ALLOW_HTTP": FLAG,
}
LOCAL_USERS_TYPES: Mapping[str, EntryType] = {
    "ISSUER_FIELD": TEXT,
    "SUBJECT_FIELD": TEXT,
    "LINK_TABLE": FLAG,
    "CREATE": EntryType(
        "True, False or a dotted path", lambda value: is_flag(value) or (is_text(value) and bool(value))
    ),
}
# URL and PINNED_JWKS must not be empty: with an unset variable, an empty pin would mean keys from the network.
ISSUER_TYPES: Mapping[str, EntryType] = {
    "URL": EntryType("the URL of an issuer", lambda value: is_text(value) and bool(value)),
    "ALGORITHMS": optional(TEXTS),
    "JWKS_URL": TEXT,
    "PINNED_JWKS": EntryType(
        "a JWKS or the path of a file",
        lambda value: bool(value) and (is_dictionary(value) or isinstance(value, str | PathLike)),
    ),
    "REVOCATIONS": optional(TYPES["REVOCATIONS"]),
}
