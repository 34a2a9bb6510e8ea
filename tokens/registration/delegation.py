"""The rights of a client that an administrator can give only with a special permission. Pure.

- A client that skips consent, or that gets tokens for absent users, can read users' data without their consent. An
  administrator needs the permission FIRST_PARTY, JWT_BEARER or EXCHANGE to give a client such a right. The same
  permission is needed to change the secret or the redirect URIs of a client that has the right.
- Redirect URIs can be limited to an allow-list (REDIRECT_ALLOW_LIST). To register an address outside the list, an
  administrator needs the permission REDIRECT.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tokens.settings.redirect_allow_list import is_listed

FIRST_PARTY = "tokens.register_first_party"
JWT_BEARER = "tokens.grant_jwt_bearer"
EXCHANGE = "tokens.grant_token_exchange"
REDIRECT = "tokens.redirect_anywhere"
GRANTS: Mapping[str, str] = {
    "urn:ietf:params:oauth:grant-type:jwt-bearer": JWT_BEARER,
    "urn:ietf:params:oauth:grant-type:token-exchange": EXCHANGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The properties of a client that decide which special permissions an administrator needs to register it."""

    skips_consent: bool
    grants: Collection[str]
    redirect_uris: Collection[str]
    """Redirect URIs, and post-logout redirect URIs."""


def required(rights: Rights, *, allowed: Collection[str]) -> dict[str, str]:
    """Return the special permissions that an administrator needs to give a client these rights.

    The result maps each permission to the field of the client that requires it. `allowed` is the allow-list of
    redirect URIs. An empty list allows every address.
    """
    permissions = {GRANTS[grant]: "grants" for grant in rights.grants if grant in GRANTS}
    if rights.skips_consent:
        permissions[FIRST_PARTY] = "skip_authorization"
    if allowed and not all(is_listed(uri, allowed) for uri in rights.redirect_uris):
        permissions[REDIRECT] = "redirect_uris"
    return permissions
