"""Forms of second factors. Each code is accepted once, and passkeys are accepted for the issuer's origin only.

django-allauth's forms verify the challenge, the signature and the user verification of a passkey. `views.limits` counts
attempts before a form is read.
"""

import logging
from datetime import datetime
from typing import Any

from allauth.core import context
from allauth.mfa import signals
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from fido2.webauthn import AuthenticationResponse, RegistrationResponse

from tokens import conf
from tokens.factors import credential, one_time_code
from tokens.factors.secret_text import CannotDecrypt
from tokens.jose import strict_json
from tokens.keys import keyring

logger = logging.getLogger(__name__)

LONGEST_CODE = 32
WRONG_CODE = _("This code is not correct, or it was used before. Enter the next one.")
WRONG_PASSKEY = _("This passkey was not accepted. Try again, or use another method.")


class _CodeMixin:
    """A form that accepts a code of the user's authenticator app or a recovery code, each code once."""

    user: Any
    cleaned_data: dict[str, Any]
    authenticator: Authenticator

    def clean_code(self) -> str:
        """Return the code, and record it as used. Raises ValidationError if the code is wrong or was used before."""
        code = str(self.cleaned_data["code"])[:LONGEST_CODE]
        factors = list(Authenticator.objects.filter(user=self.user).exclude(type=Authenticator.Type.WEBAUTHN))
        for factor in factors:
            if _spend(factor, code):
                factor.user = self.user
                self.authenticator = factor
                return code
        for factor in factors[:1]:
            signals.authentication_failed.send(
                sender=Authenticator, request=context.request, user=self.user, authenticator=factor
            )
        raise ValidationError(WRONG_CODE)


class LoginCodeForm(_CodeMixin, AuthenticateForm):
    """The form for a code of the authenticator app or a recovery code, after the password."""


class StepUpCodeForm(_CodeMixin, ReauthenticateForm):
    """The form for a code of the authenticator app or a recovery code, for a user who is logged in."""


class NewAppForm(ActivateTOTPForm):
    """The form for the first code of a new authenticator app, which proves that the app has the secret."""

    def clean_code(self) -> str:
        """Return the code. Raises ValidationError if the code is not made with the displayed secret."""
        code = str(self.cleaned_data["code"])[:LONGEST_CODE]
        self.step = one_time_code.matching_step(self.secret, code, now=_now())
        if self.step is None:
            raise ValidationError(WRONG_CODE)
        return code


class _OriginMixin:
    """A form that refuses a passkey's credential if it is malformed, or if another origin made it."""

    kind: type[RegistrationResponse] | type[AuthenticationResponse] = AuthenticationResponse

    def clean_credential(self) -> Any:
        """Return the credential after the checks of this class and of django-allauth.

        Raises ValidationError if the credential is malformed, is of another origin, or is refused by django-allauth.
        """
        content = self.cleaned_data["credential"]  # type: ignore[attr-defined]
        try:
            credential.check(content, issuer=conf.issuer().url)
            credential.check_readable(content, self.kind)
        except credential.MalformedCredential as error:
            raise ValidationError(WRONG_PASSKEY) from error
        inherited = getattr(super(), "clean_credential", None)
        return inherited() if inherited is not None else content


def _hidden() -> forms.JSONField:
    """Return a hidden form field, which a script of the page fills with a passkey's credential."""
    return _CredentialField(required=True, widget=forms.HiddenInput, error_messages={"invalid": WRONG_PASSKEY})


class _CredentialField(forms.JSONField):
    def to_python(self, value: Any) -> Any:
        """Return the parsed credential, or None for an empty field. Raises ValidationError unless it is strict JSON."""
        try:
            return strict_json.parse(value) if value else None
        except strict_json.NotStrict as error:
            raise ValidationError(WRONG_PASSKEY) from error


class LoginPasskeyForm(_OriginMixin, LoginWebAuthnForm):
    """The form for a login by a passkey, without a password."""

    credential = _hidden()


class SecondPasskeyForm(_OriginMixin, AuthenticateWebAuthnForm):
    """The form for a passkey as the second factor, after the password."""

    credential = _hidden()


class StepUpPasskeyForm(_OriginMixin, ReauthenticateWebAuthnForm):
    """The form for a passkey of a user who is logged in."""

    credential = _hidden()


class NewPasskeyForm(_OriginMixin, AddWebAuthnForm):
    """The form for a new passkey, and for the name under which the list of passkeys shows it."""

    kind = RegistrationResponse
    credential = _hidden()
    name = forms.CharField(label=_("Name"), required=False, max_length=64)
    # Every passkey verifies its user, so each can replace the password.
    passwordless = None  # type: ignore[assignment]  # how Django drops an inherited field


def _spend(factor: Authenticator, code: str) -> bool:
    """Record `code` as used if it is an unused code of the factor (an app, or a list of recovery codes).

    Returns True if the code was recorded. Returns False if the code is wrong or was used before, or if this process
    cannot decrypt the factor's secret.
    """
    try:
        if factor.type == Authenticator.Type.TOTP:
            return one_time_code.spend(factor, code, now=_now())
        return bool(factor.wrap().validate_code(code))  # type: ignore[no-untyped-call]
    except CannotDecrypt:
        logger.exception("A second factor cannot be used")
        return False


def _now() -> datetime:
    """Return this process's estimate of the database's clock."""
    # The clocks of the nodes can differ. By one clock, all processes accept the same codes.
    return keyring.estimated_clock(now=timezone.now())
