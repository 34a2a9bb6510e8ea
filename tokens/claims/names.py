"""Tables of claim names: the claims of each scope, their descriptions on the consent page, and reserved names. Pure."""

from collections.abc import Iterable, Mapping

from tokens.languages import gettext_noop

SCOPES: Mapping[str, tuple[str, ...]] = {
    "profile": (
        *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture"),
        *("website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
    "groups": ("groups",),
}
"""The claims of each scope (OpenID Connect Core section 5.4), and of the scope `groups`."""

WORDS: Mapping[str, str] = {
    "name": gettext_noop("your name"),
    "given_name": gettext_noop("your first name"),
    "family_name": gettext_noop("your last name"),
    "middle_name": gettext_noop("your middle name"),
    "nickname": gettext_noop("your nickname"),
    "preferred_username": gettext_noop("your username"),
    "profile": gettext_noop("the address of your profile page"),
    "picture": gettext_noop("your picture"),
    "website": gettext_noop("the address of your website"),
    "gender": gettext_noop("your gender"),
    "birthdate": gettext_noop("your date of birth"),
    "zoneinfo": gettext_noop("your time zone"),
    "locale": gettext_noop("your language"),
    "updated_at": gettext_noop("when your profile changed"),
    "email": gettext_noop("your e-mail address"),
    "email_verified": gettext_noop("whether your e-mail address is verified"),
    "address": gettext_noop("your postal address"),
    "phone_number": gettext_noop("your phone number"),
    "phone_number_verified": gettext_noop("whether your phone number is verified"),
    "groups": gettext_noop("the groups that you belong to"),
}
"""The text of the consent page for each claim."""

PROTOCOL = frozenset(
    (
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "grant_id", "act", "may_act", "cnf"),
        *("auth_time", "acr", "amr", "nonce", "azp", "at_hash", "c_hash", "s_hash", "sid", "events", "typ"),
        *("token_introspection", "active", "token_type", "username"),
    )
)
"""Claims by which clients and APIs judge a token. No setting and no hook can change them."""


def of_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the claims that these scopes grant."""
    return tuple(name for scope in scopes for name in SCOPES.get(scope, ()))
