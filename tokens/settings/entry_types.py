"""The type of each entry of settings.ISSUER. Pure. `tokens.conf` reads the settings, and calls `refuse_other_types`.

A text such as "false" is refused for an entry that must be True or False. Python counts the text as true, so the text
would turn the option on.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from os import PathLike
from typing import Any

LONGEST = 10**10  # seconds, about 300 years. Neither infinity nor "not a number" is within this bound.
PAIR = 2


@dataclass(frozen=True, slots=True)
class EntryType:
    """A type of entries: its name in messages, and a function that returns True if a value has this type."""

    name: str
    accepts: Callable[[Any], bool]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST


def _are_texts(value: object) -> bool:
    return (
        isinstance(value, Collection)
        and not isinstance(value, str | bytes | Mapping)
        and all(isinstance(text, str) for text in value)
    )


def _is_rate(value: object) -> bool:
    return (
        isinstance(value, tuple | list)
        and len(value) == PAIR
        and all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in value)
        and value[1] > 0
    )


def _is_dictionary(value: object, accepts: Callable[[Any], bool]) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) and accepts(value[key]) for key in value)


def _is_duration(value: object) -> bool:
    return isinstance(value, timedelta) and value > timedelta()


FLAG = EntryType("True or False", lambda value: isinstance(value, bool))
TEXT = EntryType("a string", lambda value: isinstance(value, str))
TEXTS = EntryType("a list of strings", _are_texts)
PATH = EntryType("a path or None", lambda value: value is None or isinstance(value, str | PathLike))
DURATION = EntryType("a timedelta above zero", _is_duration)

TYPES: Mapping[str, EntryType] = {
    "URL": TEXT,
    "KEY_ENCRYPTION_KEYS": TEXTS,
    "KEY_POLICY": TEXT,
    "KEY_TIMINGS": EntryType(
        "a dictionary of numbers of seconds, zero or more", lambda value: _is_dictionary(value, _is_number)
    ),
    "ACCESS_TOKEN_LIFETIME": EntryType(
        "a timedelta above zero, or None", lambda value: value is None or _is_duration(value)
    ),
    "REFRESH_TOKEN_LIFETIME": DURATION,
    "REFRESH_TOKEN_IDLE_LIFETIME": DURATION,
    "BEHIND_PROXY": FLAG,
    "OPERATOR_TOKEN": TEXT,
    "REDIRECT_ALLOW_LIST": TEXTS,
    "RATE_LIMITS": EntryType(
        "a dictionary of pairs such as (10, 60), a number of requests and of seconds",
        lambda value: _is_dictionary(value, _is_rate),
    ),
    "AUDIT_JOURNAL": PATH,
    "AUDIT_RETENTION": EntryType(
        "a timedelta of at least 30 days, or None", lambda value: value is None or isinstance(value, timedelta)
    ),
    "NAME_FROM_USERNAME": FLAG,
    "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT": FLAG,
    "CLAIMS_SOURCE": EntryType(
        "a dictionary of strings", lambda value: _is_dictionary(value, lambda source: isinstance(source, str))
    ),
    "CLAIMS": TEXT,
    "CLAIMS_WITHIN": DURATION,
    "GROUPS_CLAIM": TEXTS,
    "RECIPES": PATH,
    "USERINFO_TOKEN_IN_BODY": FLAG,
    "PRIVATE_LOGOUT_HOSTS": TEXTS,
    "BRAND_NAME": TEXT,
    "BRAND_LOGO": PATH,
    "BRAND_COLOR": TEXT,
    "LANGUAGES": TEXTS,
    "SESSION_ADDRESSES": FLAG,
    "SESSION_PLACES": PATH,
    "DPOP_REQUIRES_NONCE": FLAG,
    "SECOND_FACTOR_GROUPS": TEXTS,
    "SECOND_FACTOR_STAFF": FLAG,
    "SENDS_MAIL": FLAG,
    "SIGN_UP": FLAG,
    "PKCS11_MODULE": TEXT,
    "PKCS11_TOKEN": TEXT,
    "PKCS11_PIN": TEXT,
    "CLIENT_ID_METADATA_DOCUMENTS": FLAG,
    "CLIENT_DOCUMENT_HOSTS": TEXTS,
    "CLIENT_DOCUMENT_DENIED_HOSTS": TEXTS,
    "DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS": FLAG,
    "DYNAMIC_REGISTRATION": TEXT,
    "OPEN_CLIENT_SCOPES": TEXTS,
    "OPEN_CLIENT_APIS": TEXTS,
    "OPEN_CLIENT_GRANT_TYPES": TEXTS,
    "PUSHED_REQUEST_LIFETIME": EntryType(
        "a timedelta of at least 5 and less than 600 seconds", lambda value: isinstance(value, timedelta)
    ),
    "REQUIRE_PUSHED_AUTHORIZATION_REQUESTS": FLAG,
    "FAPI2": FLAG,
}


def refuse_other_types(entries: Mapping[str, Any]) -> None:
    """Raise ValueError if an entry of settings.ISSUER is not of its type. The message names the first such entry."""
    for name, value in entries.items():
        if not TYPES[name].accepts(value):
            # The message does not repeat the value, because some entries are secrets.
            remedy = " Convert the value of an environment variable first." if isinstance(value, str) else ""
            kind = type(value).__name__
            raise ValueError(f"settings.ISSUER[{name!r}] must be {TYPES[name].name}, not this {kind}.{remedy}")
