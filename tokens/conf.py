"""Reads the settings, and returns them as typed, frozen objects. No other module of the issuer reads them.

tests/test_settings_reads.py lists the exceptions.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.encoding import force_str

from tokens.brand import Brand, MalformedBrand, brand
from tokens.encryption import EncryptionKey, parse
from tokens.keys.rules.policy import POLICIES, Policy, changed
from tokens.languages import LANGUAGES
from tokens.languages import parse as parse_languages
from tokens.open_client_settings import DEFAULTS as OPEN_CLIENT_DEFAULTS
from tokens.open_client_settings import OpenClientSettings, covers, hosts
from tokens.open_client_settings import parse as parse_open_clients
from tokens.rate_settings import Rate
from tokens.rate_settings import parse as parse_rates
from tokens.redirect_allow_list import entry_problem
from tokens.request_settings import DEFAULTS as REQUEST_DEFAULTS
from tokens.request_settings import RequestSettings
from tokens.request_settings import parse as parse_requests

ACCESS_TOKEN_LIFETIME = timedelta(minutes=10)
AUDIT_LEAST = timedelta(days=30)
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
    # The redirect URIs that every administrator may register (tokens/registration/delegation.py); empty: all.
    "REDIRECT_ALLOW_LIST": [],
    # Changes to RATE_LIMITS in tokens/rate_settings.py, as (number, seconds): {"login": (10, 60)}.
    "RATE_LIMITS": {},
    # The path of a file outside of the database to which the audit trail is appended; None: no such file.
    "AUDIT_JOURNAL": None,
    # How long the rows of the audit trail are kept, as a timedelta of at least 30 days; None: for ever.
    "AUDIT_RETENTION": None,
    # True: the claim `name` of a user without first and last name is the username.
    "NAME_FROM_USERNAME": True,
    # Development only, ignored without DEBUG: remember consent also for redirect URIs at http://localhost, 127.0.0.1
    # and [::1].
    "REMEMBER_LOOPBACK_CONSENT": False,
    # By claim of OpenID Connect: the user's field ("locale", "profile.website") or "module:function" (docs/claims.md).
    "CLAIMS_SOURCE": {},
    # The dotted path of a function that adds claims to tokens and userinfo (docs/claims.md); empty: none.
    "CLAIMS": "",
    "CLAIMS_WITHIN": timedelta(seconds=1),  # how long that function may take
    # The Django groups that the scope `groups` tells clients and APIs; empty: there is no such scope.
    "GROUPS_CLAIM": [],
    # A folder with recipes of this site, beside those of tokens/recipes/programs/; None: no such folder.
    "RECIPES": None,
    # True: userinfo accepts the token in the body of a POST request (RFC 6750 section 2.2).
    "USERINFO_TOKEN_IN_BODY": False,
    # Hosts in private networks to which logout tokens may be sent; .corp.example is a domain with its hosts.
    "PRIVATE_LOGOUT_HOSTS": (),
    # The name on the issuer's pages, the path of its logo, and its colour ("#2448c8"); empty: Keyturn's own.
    "BRAND_NAME": "Keyturn",
    "BRAND_LOGO": None,
    "BRAND_COLOR": "",
    # The languages of the pages, the first for browsers that accept none of them (tokens/languages.py).
    "LANGUAGES": LANGUAGES,
    # True: a session's address (IP) is stored and shown to its user.
    "SESSION_ADDRESSES": False,
    # True: a DPoP proof needs a nonce of this issuer (RFC 9449 section 8). Costs clients a request for the first nonce.
    "DPOP_REQUIRES_NONCE": False,
    # Second factors (docs/login.md): the Django groups whose members need one, and whether staff does.
    "SECOND_FACTOR_GROUPS": [],
    "SECOND_FACTOR_STAFF": False,
    # True: a mail server is configured, so users can reset passwords and verify addresses.
    "SENDS_MAIL": False,
    # True: visitors can sign up. Needs SENDS_MAIL.
    "SIGN_UP": False,
    "PKCS11_MODULE": "",
    "PKCS11_TOKEN": "",
    "PKCS11_PIN": "",
    **OPEN_CLIENT_DEFAULTS,
    **REQUEST_DEFAULTS,
}


@dataclass(frozen=True, slots=True)
class Pkcs11Settings:
    """Path of the vendor's library, label of the PKCS#11 token with the signing keys, and its PIN. "" if none."""

    module: str
    token: str
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """The issuer's settings."""

    url: str
    """The issuer's URL, exactly as in the claim `iss`."""
    key_encryption_keys: tuple[str, ...]
    """KEY_ENCRYPTION_KEYS, not parsed: a malformed entry must not stop the JWKS from being served."""
    vouching_secrets: tuple[str, ...] = field(repr=False)
    """SECRET_KEY and SECRET_KEY_FALLBACKS. They authenticate stored public keys whose encrypting key is lost,
    and make the nonces of DPoP."""
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
    redirect_allow_list: tuple[str, ...]
    """Origins and schemes of the redirect URIs that every administrator may register. Empty: all."""
    rate_limits: Mapping[str, Rate]
    """By endpoint: how often one client at one address may ask."""
    pkcs11: Pkcs11Settings
    audit_journal: Path | None
    """The file that the audit trail is appended to as well (tokens/audit/journal.py)."""
    recipes: Path | None
    """The folder with the recipes of this site (tokens/recipes/)."""
    audit_retention: timedelta | None
    """How long `purge_tokens` keeps the rows of the audit trail. None: for ever."""
    name_from_username: bool
    """True if the claim `name` falls back to the username."""
    is_development: bool
    """True if DEBUG is on: a developer's own machine."""
    remembers_loopback_consent: bool
    """True if consent counts again for a loopback redirect URI, which any program on the device can take."""
    claims_source: Mapping[str, str]
    """By claim: the field or function that its value comes from."""
    claims_hook: str
    """The dotted path of the claims hook, or the empty string."""
    claims_within: timedelta
    """The longest time that the claims hook may take."""
    groups_claim: tuple[str, ...]
    """The names of the groups that the scope `groups` tells."""
    openid_scopes: frozenset[str]
    """The scopes that this deployment offers without an API."""
    userinfo_token_in_body: bool
    """True if userinfo accepts the token in the body."""
    brand: Brand
    """The operator's name, logo and colours on the issuer's pages."""
    languages: tuple[str, ...]
    """The languages of the pages. The first is for browsers that accept none of them."""
    stores_session_addresses: bool
    """True if the address of a session is stored, and shown to its user."""
    dpop_requires_nonce: bool
    """True if a DPoP proof without a nonce of this issuer is refused."""
    second_factor_groups: tuple[str, ...]
    """The names of the groups whose members need a second factor."""
    second_factor_staff: bool
    """True if users with access to the admin need a second factor."""
    sends_mail: bool
    """True if mail can be sent."""
    sign_up: bool
    """True if visitors can sign up."""
    open_clients: OpenClientSettings
    """Metadata documents and dynamic registration, and what such clients may request."""
    requests: RequestSettings
    """Pushed authorization requests, and the FAPI 2.0 Security Profile."""

    private_logout_hosts: tuple[str, ...]
    """The hosts whose addresses may be private when a logout token is sent to a client of the operator."""

    def encryption_keys(self) -> tuple[EncryptionKey, ...]:
        """Return the parsed encrypting keys. Raises MalformedEncryptionKey if an entry is malformed."""
        return parse(self.key_encryption_keys)

    def may_send_logouts_privately(self, host: str) -> bool:
        """Return True if the setting PRIVATE_LOGOUT_HOSTS names the host or its domain."""
        return any(covers(entry, host.lower()) for entry in self.private_logout_hosts)


class MalformedSetting(ImproperlyConfigured, ValueError):
    """An entry of settings.ISSUER is unknown or malformed. The message names it; commands print it as one line."""


@cache
def issuer() -> IssuerSettings:
    """Return the issuer's settings. Reads them once in a process, and again after a test overrides them.

    Raises MalformedSetting if an entry of ISSUER is unknown or malformed.
    """
    try:
        return _parsed()
    except ValueError as error:
        raise MalformedSetting(str(error)) from error


def _parsed() -> IssuerSettings:
    """Return the parsed settings. Raises ValueError if an entry is unknown or malformed."""
    values = DEFAULTS | settings.ISSUER
    if unknown := values.keys() - DEFAULTS.keys():
        raise ValueError(f"settings.ISSUER has unknown entries: {', '.join(sorted(unknown))}")
    return _typed(values, changed(POLICIES[values["KEY_POLICY"]], values["KEY_TIMINGS"]))


def _typed(values: Mapping[str, Any], policy: Policy) -> IssuerSettings:
    """Return the entries of ISSUER as typed settings. `policy` has the timings of keys."""
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
        rate_limits=parse_rates(values["RATE_LIMITS"]),
        audit_journal=Path(values["AUDIT_JOURNAL"]) if values["AUDIT_JOURNAL"] else None,
        recipes=Path(values["RECIPES"]) if values["RECIPES"] else None,
        audit_retention=_retention(values["AUDIT_RETENTION"]),
        name_from_username=values["NAME_FROM_USERNAME"],
        is_development=settings.DEBUG,
        remembers_loopback_consent=values["REMEMBER_LOOPBACK_CONSENT"] and settings.DEBUG,
        claims_source=dict(values["CLAIMS_SOURCE"]),
        claims_hook=values["CLAIMS"],
        claims_within=values["CLAIMS_WITHIN"],
        groups_claim=tuple(values["GROUPS_CLAIM"]),
        openid_scopes=_openid_scopes(values["CLAIMS_SOURCE"], values["GROUPS_CLAIM"]),
        userinfo_token_in_body=values["USERINFO_TOKEN_IN_BODY"],
        brand=_brand(values),
        languages=parse_languages(values["LANGUAGES"]),
        stores_session_addresses=values["SESSION_ADDRESSES"],
        dpop_requires_nonce=values["DPOP_REQUIRES_NONCE"],
        second_factor_groups=tuple(values["SECOND_FACTOR_GROUPS"]),
        second_factor_staff=values["SECOND_FACTOR_STAFF"],
        sends_mail=values["SENDS_MAIL"],
        sign_up=_sign_up(values),
        open_clients=parse_open_clients(values, debug=settings.DEBUG),
        private_logout_hosts=hosts("PRIVATE_LOGOUT_HOSTS", values),
        requests=parse_requests(values),
        pkcs11=Pkcs11Settings(values["PKCS11_MODULE"], values["PKCS11_TOKEN"], values["PKCS11_PIN"]),
    )


def _brand(values: Mapping[str, Any]) -> Brand:
    """Return the operator's brand. Raises MalformedBrand if a setting of it is malformed or its file cannot be read."""
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
    has_admin: bool
    """True if this process serves the admin."""
    admin_host: str
    """The only host on which the admin is served. Empty: every host."""
    allowed_hosts: tuple[str, ...]


def pages() -> PageSettings:
    """Return the settings of Django that the issuer's pages need."""
    return PageSettings(
        session_engine=settings.SESSION_ENGINE,
        session_cookie=settings.SESSION_COOKIE_NAME,
        has_secure_cookies=settings.SESSION_COOKIE_SECURE,
        login_url=settings.LOGIN_URL,
        upload_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0,
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
    """Return the retention. Raises ValueError if it is shorter than AUDIT_LEAST, which the database enforces."""
    if value is not None and value < AUDIT_LEAST:
        raise ValueError(f"AUDIT_RETENTION is {value.days} days. Set at least {AUDIT_LEAST.days} days, or none.")
    return value


def _sign_up(values: Mapping[str, Any]) -> bool:
    """Return SIGN_UP. Raises ValueError if no mail can be sent, which verifies the address of a new user."""
    if values["SIGN_UP"] and not values["SENDS_MAIL"]:
        raise ValueError("SIGN_UP needs mail, which verifies the addresses of new users: set EMAIL_URL")
    return bool(values["SIGN_UP"])


def _openid_scopes(source: Mapping[str, str], groups: Collection[str]) -> frozenset[str]:
    """Return the scopes that have a meaning with these settings."""
    optional = {"address": "address" in source, "phone": "phone_number" in source, "groups": bool(groups)}
    return frozenset({"openid", "profile", "email", "offline_access"} | {name for name in optional if optional[name]})


def _reload(*, setting: str, **_: Any) -> None:
    if setting in {"DEBUG", "ISSUER", "SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        issuer.cache_clear()


setting_changed.connect(_reload)
