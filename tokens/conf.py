"""Reads settings.ISSUER once, and returns it as a typed, frozen object. No other module of the issuer reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.encoding import force_str

from tokens.encryption import EncryptionKey, parse
from tokens.keys.rules.policy import POLICIES, Policy, changed
from tokens.open_client_settings import DEFAULTS as OPEN_CLIENT_DEFAULTS
from tokens.open_client_settings import OpenClientSettings
from tokens.open_client_settings import parse as parse_open_clients

ACCESS_TOKEN_LIFETIME = timedelta(minutes=10)
DEFAULTS: dict[str, Any] = {
    "URL": "",
    "KEY_ENCRYPTION_KEYS": [],
    "KEY_POLICY": "production",
    "KEY_TIMINGS": {},
    # None: ten minutes, or the longest lifetime that the key policy permits if that is shorter.
    "ACCESS_TOKEN_LIFETIME": None,
    "REFRESH_TOKEN_LIFETIME": timedelta(days=30),
    "REFRESH_TOKEN_IDLE_LIFETIME": timedelta(days=7),
    "BEHIND_PROXY": False,
    # A bearer token with which /readyz answers why the issuer is not ready. If empty, only requests from the machine
    # itself get the reason.
    "OPERATOR_TOKEN": "",
    # Changes to RATE_LIMITS below, as (number, seconds): {"login": (10, 60)}.
    "RATE_LIMITS": {},
    # The path of a file outside of the database to which the audit trail is appended; None: no such file.
    "AUDIT_JOURNAL": None,
    # True: the claim `name` of a user without first and last name is the username.
    "NAME_FROM_USERNAME": True,
    "PKCS11_MODULE": "",
    "PKCS11_TOKEN": "",
    "PKCS11_PIN": "",
    **OPEN_CLIENT_DEFAULTS,
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of requests within a number of seconds."""

    number: int
    seconds: int


RATE_LIMITS = {
    "token": Rate(1200, 60),
    "introspect": Rate(3000, 60),
    "device": Rate(30, 60),
    "revocations": Rate(600, 60),
    "segments": Rate(6000, 60),
    "login": Rate(10, 60),
    "authorize": Rate(300, 60),
    "documents": Rate(30, 60),
    "register": Rate(30, 3600),
}
"""The default limits by endpoint, each for a client at an address, except:

- login: for a username at an address;
- authorize (requests that wait for a login), documents (fetches of client ID metadata documents), register (dynamic
  registrations), revocations, segments: for an address.
"""


@dataclass(frozen=True, slots=True)
class Pkcs11Settings:
    """Module, token label and PIN of the PKCS#11 token that has signing keys. Empty if there is none."""

    module: str
    """Path of the vendor's library."""
    token: str
    """Label of the token in it."""
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """The issuer's settings."""

    url: str
    """The issuer's URL, exactly as in the claim `iss`."""
    key_encryption_keys: tuple[str, ...]
    """KEY_ENCRYPTION_KEYS, not parsed: a malformed entry must not stop the JWKS from being served."""
    vouching_secrets: tuple[str, ...] = field(repr=False)
    """SECRET_KEY and SECRET_KEY_FALLBACKS. They authenticate stored public keys whose encrypting key is lost."""
    key_policy: Policy
    """KEY_POLICY, a named set of timings of signing keys, with the changes in KEY_TIMINGS."""
    access_token_lifetime: timedelta
    refresh_token_lifetime: timedelta
    """The time from the user's consent until a refresh token expires, even if it is used."""
    refresh_token_idle_lifetime: timedelta
    """The time after the last use until a refresh token expires."""
    behind_proxy: bool
    """True if the sender's address is in X-Forwarded-For, from the proxy in front of the issuer."""
    operator_token: str = field(repr=False)
    """The operator's bearer token, or the empty string."""
    rate_limits: Mapping[str, Rate]
    """By endpoint: how often one client at one address may ask."""
    pkcs11: Pkcs11Settings
    audit_journal: Path | None
    """The file that the audit trail is appended to as well (tokens/audit/journal.py)."""
    name_from_username: bool
    """True if the claim `name` falls back to the username."""
    open_clients: OpenClientSettings
    """Metadata documents and dynamic registration, and what such clients may request."""

    def encryption_keys(self) -> tuple[EncryptionKey, ...]:
        """Return the encrypting keys. Raises MalformedEncryptionKey."""
        return parse(self.key_encryption_keys)


@cache
def issuer() -> IssuerSettings:
    """Return the issuer's settings. Reads them once in a process, and again after a test overrides them.

    Raises ValueError if ISSUER has an unknown entry.
    """
    values = DEFAULTS | settings.ISSUER
    unknown = values.keys() - DEFAULTS.keys()
    if unknown:
        raise ValueError(f"settings.ISSUER has unknown entries: {', '.join(sorted(unknown))}")
    policy = changed(POLICIES[values["KEY_POLICY"]], values["KEY_TIMINGS"])
    return IssuerSettings(
        url=values["URL"],
        key_encryption_keys=tuple(values["KEY_ENCRYPTION_KEYS"]),
        vouching_secrets=tuple(map(force_str, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))),
        key_policy=policy,
        access_token_lifetime=values["ACCESS_TOKEN_LIFETIME"] or min(ACCESS_TOKEN_LIFETIME, policy.token_lifetime),
        refresh_token_lifetime=values["REFRESH_TOKEN_LIFETIME"],
        refresh_token_idle_lifetime=values["REFRESH_TOKEN_IDLE_LIFETIME"],
        behind_proxy=values["BEHIND_PROXY"],
        operator_token=values["OPERATOR_TOKEN"],
        rate_limits=_rate_limits(values["RATE_LIMITS"]),
        audit_journal=Path(values["AUDIT_JOURNAL"]) if values["AUDIT_JOURNAL"] else None,
        name_from_username=values["NAME_FROM_USERNAME"],
        open_clients=parse_open_clients(values, debug=settings.DEBUG),
        pkcs11=Pkcs11Settings(values["PKCS11_MODULE"], values["PKCS11_TOKEN"], values["PKCS11_PIN"]),
    )


def _rate_limits(changed: Mapping[str, tuple[int, int]]) -> Mapping[str, Rate]:
    if unknown := changed.keys() - RATE_LIMITS.keys():
        raise ValueError(
            f"RATE_LIMITS has unknown entries: {', '.join(sorted(unknown))}; there are {', '.join(RATE_LIMITS)}"
        )
    return RATE_LIMITS | {name: Rate(*rate) for name, rate in changed.items()}


def _reload(*, setting: str, **_: Any) -> None:
    if setting in {"ISSUER", "DEBUG", "SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        issuer.cache_clear()


setting_changed.connect(_reload)
