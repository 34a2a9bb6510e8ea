"""The names of claims: which scope grants which claims, their words for users, and reserved names. Pure."""

from collections.abc import Iterable, Mapping

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
    "name": "your name",
    "given_name": "your first name",
    "family_name": "your last name",
    "middle_name": "your middle name",
    "nickname": "your nickname",
    "preferred_username": "your username",
    "profile": "the address of your profile page",
    "picture": "your picture",
    "website": "the address of your website",
    "gender": "your gender",
    "birthdate": "your date of birth",
    "zoneinfo": "your time zone",
    "locale": "your language",
    "updated_at": "when your profile changed",
    "email": "your e-mail address",
    "email_verified": "whether your e-mail address is verified",
    "address": "your postal address",
    "phone_number": "your phone number",
    "phone_number_verified": "whether your phone number is verified",
    "groups": "the groups that you belong to",
}
"""What the consent page says of each claim."""

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
