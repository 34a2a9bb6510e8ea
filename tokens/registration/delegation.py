"""The rights of a client that an administrator can give only with a permission of their own. Pure.

- A client that users never allowed, or that acts for users by itself, reaches their data. To give such a right, or to
  change a client that has it (its secret, its redirect URIs), needs the permission in RIGHTS.
- Redirect URIs can be limited to an allow-list (tokens/redirect_allow_list.py). Another address needs REDIRECT.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tokens.redirect_allow_list import is_listed

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
    """The rights of a client that can need a permission."""

    skips_consent: bool
    grants: Collection[str]
    redirect_uris: Collection[str]
    """Redirect URIs, and addresses after the logout."""


def required(rights: Rights, *, allowed: Collection[str]) -> dict[str, str]:
    """Return the permissions that a client's rights need, each with the field that it belongs to.

    `allowed` is the allow-list of redirect URIs. An empty one allows every address.
    """
    found = {GRANTS[grant]: "grants" for grant in rights.grants if grant in GRANTS}
    if rights.skips_consent:
        found[FIRST_PARTY] = "skip_authorization"
    if allowed and not all(is_listed(uri, allowed) for uri in rights.redirect_uris):
        found[REDIRECT] = "redirect_uris"
    return found
