"""Tells which second factors a user has set up."""

from allauth.mfa.models import Authenticator

from tokens.authentication_class import MULTI_FACTOR, PASSWORD, PHISHING_RESISTANT
from tokens.models import User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""The factors of this module. Recovery codes are not among them, because they only replace a lost factor."""


def types(user: User) -> frozenset[str]:
    """Return django-allauth's names of the user's factors. Recovery codes are not listed."""
    return frozenset(Authenticator.objects.filter(user=user, type__in=FACTORS).values_list("type", flat=True))


def reachable(user: User) -> str:
    """Return the strongest authentication context class that the user's factors allow."""
    owned = types(user)
    if Authenticator.Type.WEBAUTHN in owned:
        return PHISHING_RESISTANT
    return MULTI_FACTOR if owned else PASSWORD
