"""/accounts/2fa/: pages that ask for a second factor at a login or later, and pages that set up second factors.

The pages are django-allauth's, with the issuer's headers, limits and templates. `limits.limited_factor` counts the
attempts of each user.
"""

from datetime import datetime
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.stagekit import get_pending_stage
from allauth.account.views import ReauthenticateView
from allauth.mfa import signals
from allauth.mfa.base import views as base
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.mfa.webauthn.internal import auth as passkey_ceremony
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tokens.authorize import login_session
from tokens.factors import one_time_code
from tokens.keys import keyring
from tokens.models import User
from tokens.views import step_up, ui_locales
from tokens.views.limits import limited_factor
from tokens.views.login import PasskeyPage
from tokens.views.not_ready import page_if_not_ready
from tokens.views.pages import HEADERS, PASSKEY_HEADERS, View, private, user_if_logged_in, user_of


class SecondStepPage(base.AuthenticateView):
    """The page that asks for the second factor of a login, after the password."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Log in the user if the code or passkey is valid.

        Raises NotReady if the clock is not reliable (`keyring.clock`). In that case the form is not validated, and the
        code in it can be used later.
        """
        keyring.clock(now=timezone.now())  # before the form is validated, because the validation uses up the code
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return allauth's variables of the template, and which kinds of factors the user has (`step_up.offered`)."""
        return super().get_context_data(**kwargs) | step_up.offered(self.stage.login.user)


class _Confirmation:
    """A page on which a logged-in user authenticates again, to confirm a change or because a client requires it."""

    request: HttpRequest
    now: datetime
    """The time of the database's clock when the form arrived."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Read the database's clock, and then validate the form.

        Raises NotReady if the clock is not reliable (`keyring.clock`). In that case the form is not validated, and the
        code in it can be used later.
        """
        self.now = keyring.clock(now=timezone.now())  # before the validation, which uses up the code
        return super().post(request, *args, **kwargs)  # type: ignore[misc,no-any-return]

    def form_valid(self, form: Any) -> HttpResponse:
        """Record that the user authenticated again, with the time of the database's clock."""
        answer: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        login_session.date_last(self.request, user_of(self.request), now=self.now)
        return answer


class PasswordConfirmationPage(_Confirmation, ReauthenticateView):
    """The page that asks a logged-in user for the password again."""


class CodeConfirmationPage(_Confirmation, base.ReauthenticateView):
    """The page that asks a logged-in user for a code of the authenticator app, or a recovery code."""


class PasskeyConfirmationPage(_Confirmation, webauthn.ReauthenticateWebAuthnView):
    """The page that asks a logged-in user for a passkey."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the page again, with a new challenge."""
        return self.render_to_response(self.get_context_data() | {"form": form})


class NewAppPage(totp.ActivateTOTPView):
    """The page that sets up an authenticator app."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the authenticator app. The first code is marked as used, and counts as an authentication.

        Raises NotReady, and stores nothing, if the clock is not reliable (`keyring.clock`).
        """
        now = keyring.clock(now=timezone.now())
        answer: HttpResponse = super().form_valid(form)
        _record(self.request, one_time_code.mark_used(user_of(self.request), form.step), now=now)
        return answer


class NewPasskeyPage(webauthn.AddWebAuthnView):
    """The page that adds a passkey.

    The passkey is discoverable and verifies its user, so that it can replace the password.
    """

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return allauth's variables of the template, and the challenge that the new passkey must sign."""
        data = super().get_context_data(**kwargs)
        if "form" in kwargs:  # allauth's view drops this form, which has the errors
            data["form"] = kwargs["form"]
        data["ceremony"] = passkey_ceremony.begin_registration(user_of(self.request), passwordless=True)
        return data

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the passkey. Its creation counts as an authentication in this session.

        Raises NotReady, and stores nothing, if the clock is not reliable (`keyring.clock`).
        """
        now = keyring.clock(now=timezone.now())
        answer: HttpResponse = super().form_valid(form)
        factors = Authenticator.objects.filter(user=self.request.user, type=Authenticator.Type.WEBAUTHN)
        _record(self.request, factors.order_by("-pk")[0], now=now)
        return answer


@receiver(signals.authenticator_used, dispatch_uid="tokens.views.factors.used")
def used(request: HttpRequest, authenticator: Authenticator, **_: Any) -> None:
    """Record in the login session whether the used passkey is bound to its device or can be copied to others.

    Does nothing if `authenticator` is not a passkey.
    """
    _note_key(request, authenticator)


def _record(request: HttpRequest, factor: Authenticator, *, now: datetime) -> None:
    """Record in the login session that the user authenticated with the new `factor`."""
    record_authentication(request, user_of(request), "mfa", id=factor.pk, type=factor.type)
    _note_key(request, factor)
    login_session.date_last(request, user_of(request), now=now)


def _note_key(request: HttpRequest, factor: Authenticator) -> None:
    if factor.type != Authenticator.Type.WEBAUTHN:
        return
    is_shared = factor.wrap().authenticator_data.is_backup_eligible()  # type: ignore[no-untyped-call]
    login_session.note_passkey(request, factor.user, is_shared=is_shared)


def _page(view: View) -> View:
    """Return a view that calls `view` as a page of second factors.

    The returned view sets the issuer's headers, the language and `request.return_to`. If `view` raises NotReady, the
    returned view answers 503 with a page.
    """
    return private(ui_locales.followed(page_if_not_ready(step_up.remembering(view))), headers=HEADERS)


def _passkey_page(view: View) -> View:
    """Return a view as `_page` does, but with headers that permit a script to ask the browser for a passkey."""
    return private(ui_locales.followed(page_if_not_ready(step_up.remembering(view))), headers=PASSKEY_HEADERS)


def _pending_user(request: HttpRequest) -> User | None:
    """Return the user who entered the password but not yet a second factor, or None if there is no such user."""
    stage = get_pending_stage(request)
    user = stage.login.user if stage else None
    return user if isinstance(user, User) else None


second_step = _passkey_page(limited_factor(_pending_user)(SecondStepPage.as_view()))
passkey_login = _passkey_page(PasskeyPage.as_view())
confirm_by_password = _page(limited_factor(user_if_logged_in)(PasswordConfirmationPage.as_view()))
confirm_by_code = _page(limited_factor(user_if_logged_in)(CodeConfirmationPage.as_view()))
confirm_by_passkey = _passkey_page(limited_factor(user_if_logged_in)(PasskeyConfirmationPage.as_view()))
index = _page(base.IndexView.as_view())
new_app = _page(limited_factor(user_if_logged_in)(NewAppPage.as_view()))
remove_app = _page(totp.DeactivateTOTPView.as_view())
view_codes = _page(recovery_codes.ViewRecoveryCodesView.as_view())
new_codes = _page(recovery_codes.GenerateRecoveryCodesView.as_view())
download_codes = _page(recovery_codes.DownloadRecoveryCodesView.as_view())
passkeys = _page(webauthn.ListWebAuthnView.as_view())
new_passkey = _passkey_page(NewPasskeyPage.as_view())
edit_passkey = _page(webauthn.EditWebAuthnView.as_view())
remove_passkey = _page(webauthn.RemoveWebAuthnView.as_view())
