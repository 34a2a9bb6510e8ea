"""Reads Django's settings, and returns them as typed, frozen objects.

- The other modules of the issuer get settings from this module. tests/test_settings_reads.py lists the exceptions.
- `tokens.settings` has the entries of settings.ISSUER with their defaults, types and checks.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.encoding import force_str

from tokens import languages
from tokens.keys.rules.policy import POLICIES, Policy, changed
from tokens.settings import authorization_request, open_client, rate
from tokens.settings.brand import Brand, MalformedBrand, brand
from tokens.settings.defaults import DEFAULTS
from tokens.settings.entry_types import refuse_other_types
from tokens.settings.issuer import IssuerSettings, Pkcs11Settings
from tokens.settings.open_client import hosts
from tokens.settings.redirect_allow_list import entry_problem

ACCESS_TOKEN_LIFETIME = timedelta(minutes=10)
AUDIT_LEAST = timedelta(days=30)


class MalformedSetting(ImproperlyConfigured, ValueError):
    """An entry of settings.ISSUER is unknown or malformed.

    The message names the entry, and commands print it as one line.
    """


@cache
def issuer() -> IssuerSettings:
    """Return the issuer's settings. A process parses them once, and again if a test overrides a setting.

    Raises MalformedSetting if an entry of ISSUER is unknown or malformed.
    """
    try:
        return _parsed()
    except ValueError as error:
        raise MalformedSetting(str(error)) from error


def _parsed() -> IssuerSettings:
    """Return the parsed settings. Raises ValueError if an entry is unknown or malformed."""
    if not isinstance(settings.ISSUER, Mapping):
        raise ValueError(f"settings.ISSUER must be a dictionary, not {type(settings.ISSUER).__name__}.")  # noqa: TRY004
    values = DEFAULTS | settings.ISSUER
    if unknown := values.keys() - DEFAULTS.keys():
        raise ValueError(f"settings.ISSUER has unknown entries: {', '.join(sorted(map(str, unknown)))}")
    refuse_other_types(values)
    if values["KEY_POLICY"] not in POLICIES:
        raise ValueError(f"KEY_POLICY must be one of {', '.join(POLICIES)}.")
    return _typed(values, changed(POLICIES[values["KEY_POLICY"]], values["KEY_TIMINGS"]))


def _typed(values: Mapping[str, Any], policy: Policy) -> IssuerSettings:
    """Return the entries of ISSUER as typed settings. `policy` has the timings of signing keys."""
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
        redirect_allow_list=_allow_list(values["REDIRECT_ALLOW_LIST"]),
        rate_limits=rate.parse(values["RATE_LIMITS"]),
        audit_journal=Path(values["AUDIT_JOURNAL"]) if values["AUDIT_JOURNAL"] else None,
        recipes=Path(values["RECIPES"]) if values["RECIPES"] else None,
        audit_retention=_retention(values["AUDIT_RETENTION"]),
        name_from_username=values["NAME_FROM_USERNAME"],
        is_development=settings.DEBUG,
        remembers_loopback_consent=_remembers_loopback_consent(values),
        claims_source=dict(values["CLAIMS_SOURCE"]),
        claims_hook=values["CLAIMS"],
        claims_within=values["CLAIMS_WITHIN"],
        groups_claim=tuple(values["GROUPS_CLAIM"]),
        openid_scopes=_openid_scopes(values["CLAIMS_SOURCE"], values["GROUPS_CLAIM"]),
        userinfo_token_in_body=values["USERINFO_TOKEN_IN_BODY"],
        brand=_brand(values),
        languages=languages.parse(values["LANGUAGES"]),
        stores_session_addresses=values["SESSION_ADDRESSES"],
        session_places=Path(values["SESSION_PLACES"]) if values["SESSION_PLACES"] else None,
        dpop_requires_nonce=values["DPOP_REQUIRES_NONCE"],
        second_factor_groups=tuple(values["SECOND_FACTOR_GROUPS"]),
        second_factor_staff=values["SECOND_FACTOR_STAFF"],
        sends_mail=values["SENDS_MAIL"],
        sign_up=_sign_up(values),
        open_clients=open_client.parse(values, debug=settings.DEBUG),
        private_logout_hosts=hosts("PRIVATE_LOGOUT_HOSTS", values),
        requests=authorization_request.parse(values),
        pkcs11=Pkcs11Settings(values["PKCS11_MODULE"], values["PKCS11_TOKEN"], values["PKCS11_PIN"]),
    )


def _remembers_loopback_consent(values: Mapping[str, Any]) -> bool:
    """Return DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT. Raises ValueError if it is on without DEBUG."""
    if values["DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT"] and not settings.DEBUG:
        raise ValueError(
            "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT needs DEBUG: in production, any program on a user's device"
            " could get codes without a question. Remove it."
        )
    return values["DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT"] is True


def _brand(values: Mapping[str, Any]) -> Brand:
    """Return the operator's brand. Raises MalformedBrand if a BRAND_ entry is malformed or the logo cannot be read."""
    path = values["BRAND_LOGO"]
    try:
        logo = Path(path).read_bytes() if path else None
    except OSError as error:
        raise MalformedBrand(f"The file of BRAND_LOGO cannot be read: {error.strerror}.") from error
    return brand(values["BRAND_NAME"], colour=values["BRAND_COLOR"], logo=logo)


@dataclass(frozen=True, slots=True)
class PageSettings:
    """Settings of Django: sessions, the login page, uploads and the admin."""

    session_engine: str
    session_cookie: str
    """The name of the session's cookie."""
    has_secure_cookies: bool
    login_url: str
    upload_bytes: int
    """The greatest length of a form of the admin, in bytes."""
    most_fields: int | None
    """The greatest number of fields of a form, or None if there is no limit."""
    has_admin: bool
    """True if this process serves the admin."""
    admin_host: str
    """The only host on which the admin is served. Empty: every host."""
    allowed_hosts: tuple[str, ...]


@cache
def pages() -> PageSettings:
    """Return the settings of Django that the issuer's pages and forms need.

    A process reads them once, and again if a test overrides a setting.
    """
    return PageSettings(
        session_engine=settings.SESSION_ENGINE,
        session_cookie=settings.SESSION_COOKIE_NAME,
        has_secure_cookies=settings.SESSION_COOKIE_SECURE,
        login_url=settings.LOGIN_URL,
        upload_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0,
        most_fields=settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
        has_admin=settings.ADMIN,
        admin_host=settings.ADMIN_HOST,
        allowed_hosts=tuple(settings.ALLOWED_HOSTS),
    )


def _allow_list(entries: Collection[str]) -> tuple[str, ...]:
    """Return the allow-list of redirect URIs. Raises ValueError if an entry is malformed."""
    for entry in entries:
        if problem := entry_problem(entry):
            raise ValueError(f"REDIRECT_ALLOW_LIST has {entry!r}. {problem}")
    return tuple(entries)


def _retention(value: timedelta | None) -> timedelta | None:
    """Return AUDIT_RETENTION. Raises ValueError if it is shorter than AUDIT_LEAST.

    A trigger of the database also refuses to delete events that are younger than AUDIT_LEAST.
    """
    if value is not None and value < AUDIT_LEAST:
        raise ValueError(f"AUDIT_RETENTION is {value.days} days. Set at least {AUDIT_LEAST.days} days, or none.")
    return value


def _sign_up(values: Mapping[str, Any]) -> bool:
    """Return SIGN_UP. Raises ValueError if SIGN_UP is on and no mail can be sent to verify addresses of new users."""
    if values["SIGN_UP"] and not values["SENDS_MAIL"]:
        raise ValueError("SIGN_UP needs mail, which verifies the addresses of new users: set EMAIL_URL")
    return values["SIGN_UP"] is True


def _openid_scopes(source: Mapping[str, str], groups: Collection[str]) -> frozenset[str]:
    """Return the OpenID Connect scopes that clients can request.

    The scope `address` needs the claim `address` in `source` (CLAIMS_SOURCE), and the scope `phone` needs the claim
    `phone_number` there. The scope `groups` needs a setting GROUPS_CLAIM that is not empty, passed as `groups`.
    """
    optional = {"address": "address" in source, "phone": "phone_number" in source, "groups": bool(groups)}
    return frozenset({"openid", "profile", "email", "offline_access"} | {name for name in optional if optional[name]})


def _reload(*, setting: str, **_: Any) -> None:
    pages.cache_clear()
    if setting in {"DEBUG", "ISSUER", "SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        issuer.cache_clear()


setting_changed.connect(_reload)
