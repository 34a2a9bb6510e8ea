"""The methods that django-allauth calls to store secrets of second factors, and to name the issuer."""

from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.utils.translation import gettext

from tokens import conf
from tokens.factors import secret_text


class FactorAdapter(DefaultMFAAdapter):
    """django-allauth's adapter for second factors.

    It encrypts secrets under KEY_ENCRYPTION_KEYS. It names the issuer by ISSUER_URL, never by the request's Host.
    """

    def encrypt(self, text: str) -> str:
        """Return the secret `text`, encrypted for storage in the database."""
        return secret_text.seal(text, keys=conf.issuer().encryption_keys())

    def decrypt(self, encrypted_text: str) -> str:
        """Return the decrypted secret.

        Raises secret_text.CannotDecrypt if the text was changed, or if its encrypting key was removed.
        """
        return secret_text.unseal(encrypted_text, keys=conf.issuer().encryption_keys())

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the relying party of passkeys: the issuer's host (WebAuthn Level 2 section 5.4.2)."""
        host = urlsplit(conf.issuer().url).hostname or ""
        return {"id": host, "name": host}

    def generate_authenticator_name(self, user: Any, type: str) -> str:  # noqa: A002 (allauth's name)
        """Return the name that a new passkey has unless its user chooses another."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey {number}").format(number=number)

    def _get_site_name(self) -> str:
        """Return the issuer's name, which an authenticator app shows beside its codes."""
        return urlsplit(conf.issuer().url).netloc
