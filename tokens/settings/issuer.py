"""The issuer's settings as `tokens.conf` returns them: typed and frozen. Pure.

A module that needs a setting calls `conf.issuer()` each time, so that a test can override the settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tokens.encryption import EncryptionKey, parse
from tokens.keys.rules.policy import Policy
from tokens.settings.authorization_request import RequestSettings
from tokens.settings.brand import Brand
from tokens.settings.open_client import OpenClientSettings, covers
from tokens.settings.rate import Rate


@dataclass(frozen=True, slots=True)
class Pkcs11Settings:
    """Path of the vendor's library, and label and PIN of the PKCS#11 token. All three are "" if there is no token."""

    module: str
    token: str
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """The issuer's settings."""

    url: str
    """The issuer's URL, exactly as in the claim `iss`."""
    key_encryption_keys: tuple[str, ...] = field(repr=False)
    """KEY_ENCRYPTION_KEYS, not parsed: a malformed entry must not stop the JWKS from being served."""
    vouching_secrets: tuple[str, ...] = field(repr=False)
    """SECRET_KEY and SECRET_KEY_FALLBACKS. They authenticate stored public keys whose encrypting key is lost, and they
    are the keys of DPoP nonces."""
    key_policy: Policy
    """KEY_POLICY, a named set of timings of signing keys, with the changes in KEY_TIMINGS."""
    access_token_lifetime: timedelta
    refresh_token_lifetime: timedelta
    """The time from the user's consent until a refresh token expires, however often it is used."""
    refresh_token_idle_lifetime: timedelta
    """The time after the last use until a refresh token expires."""
    behind_proxy: bool
    """True if a proxy in front of the issuer writes the sender's address into X-Forwarded-For."""
    operator_token: str = field(repr=False)
    """The operator's bearer token, or the empty string."""
    redirect_allow_list: tuple[str, ...]
    """Origins and schemes of the redirect URIs that every administrator may register. Empty: all redirect URIs."""
    rate_limits: Mapping[str, Rate]
    """The rate limits by name (RATE_LIMITS in tokens/settings/rate.py says what each limit counts)."""
    pkcs11: Pkcs11Settings
    audit_journal: Path | None
    """A file to which the audit trail is appended, in addition to the database (tokens/audit/journal.py)."""
    recipes: Path | None
    """The folder with the recipes of this site (tokens/recipes/)."""
    audit_retention: timedelta | None
    """How long `purge_tokens` keeps the rows of the audit trail. None: for ever."""
    name_from_username: bool
    """True if the claim `name` falls back to the username."""
    is_development: bool
    """True if DEBUG is on, as on a developer's own machine."""
    remembers_loopback_consent: bool
    """True if consent is remembered for a loopback redirect URI too, although any program on the device can use it."""
    claims_source: Mapping[str, str]
    """For each claim, the field or function that gives its value."""
    claims_hook: str
    """The dotted path of the claims hook, or the empty string."""
    claims_within: timedelta
    """The longest time that the claims hook may take."""
    groups_claim: tuple[str, ...]
    """The names of the groups that clients and APIs get by the scope `groups`."""
    openid_scopes: frozenset[str]
    """The OpenID Connect scopes that this deployment offers, which belong to no API."""
    userinfo_token_in_body: bool
    """True if userinfo accepts the token in the body of a POST request."""
    brand: Brand
    """The operator's name, logo and colours on the issuer's pages."""
    languages: tuple[str, ...]
    """The languages of the pages. Browsers that accept none of them get the first."""
    stores_session_addresses: bool
    """True if the address of a session is stored, and shown to its user."""
    session_places: Path | None
    """The database in which the place of a session's address is looked up. None: no place is shown."""
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
    """Metadata documents and dynamic registration, with the scopes and APIs of self-registered clients."""
    requests: RequestSettings
    """Pushed authorization requests, and the FAPI 2.0 Security Profile."""

    private_logout_hosts: tuple[str, ...]
    """The hosts in private networks to which logout tokens may be sent, for clients that the operator registered."""

    def encryption_keys(self) -> tuple[EncryptionKey, ...]:
        """Parse and return the keys in KEY_ENCRYPTION_KEYS. Raises MalformedEncryptionKey if an entry is malformed."""
        return parse(self.key_encryption_keys)

    def may_send_logouts_privately(self, host: str) -> bool:
        """Return True if the setting PRIVATE_LOGOUT_HOSTS has the host, or a domain of the host such as `.example`."""
        return any(covers(entry, host.lower()) for entry in self.private_logout_hosts)
