"""Authentication context classes: how strong a login is, for the claim `acr` and the parameter `acr_values`. Pure.

- The classes have an order. A login of a class satisfies a request for this class and for each weaker class.
- A passkey proves possession, verifies its user (MFA_WEBAUTHN_USER_VERIFICATION), and signs the site's origin. So a
  passkey alone is phishing-resistant, with or without a password.
- Without a passkey, a password with another factor is multi-factor.

Example: a user logs in by password and authenticator app, which is `MULTI_FACTOR`. A request for `PASSWORD` is
satisfied, and the `acr` of its token is `PASSWORD`. A request for `PHISHING_RESISTANT` needs a passkey as well.
"""

from collections.abc import Collection

PASSWORD = "urn:keyturn:acr:password"  # noqa: S105 (the name of a class)
MULTI_FACTOR = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
PHISHING_RESISTANT = "phr"
"""Defined by OpenID Connect Extended Authentication Profile ACR Values 1.0, registered with IANA (RFC 6711)."""
CLASSES = (PASSWORD, MULTI_FACTOR, PHISHING_RESISTANT)
"""From the weakest to the strongest."""

PASSKEY = "webauthn"
FACTORS = frozenset({"totp", "recovery_codes", PASSKEY})
"""django-allauth's names of the login methods other than the password."""


def of(methods: Collection[str]) -> str:
    """Return the authentication context class (`acr`) of a login in which the user authenticated by all of `methods`.

    `methods` are django-allauth's names, such as `totp`. Unknown names are ignored. Returns "" if no name is known.
    """
    known_methods = set(methods) & (FACTORS | {"password"})
    if PASSKEY in known_methods:
        return PHISHING_RESISTANT
    # An authenticator app and its recovery codes are one factor: the same person set them up at the same time.
    if "password" in known_methods and known_methods & FACTORS:
        return MULTI_FACTOR
    return PASSWORD if known_methods else ""


def satisfied(acr: str) -> tuple[str, ...]:
    """Return the class `acr` and all weaker classes, from the strongest to the weakest.

    Returns an empty tuple if `acr` is unknown.
    """
    return CLASSES[CLASSES.index(acr) :: -1] if acr in CLASSES else ()


def satisfies(acr: str, required: str) -> bool:
    """Return True if a login of the class `acr` satisfies a request for the class `required`.

    If `required` is "", every login satisfies the request.
    """
    return not required or required in satisfied(acr)


def strongest(classes: Collection[str]) -> str:
    """Return the strongest of the classes, or "" if `classes` has no known class."""
    return next((name for name in reversed(CLASSES) if name in classes), "")
