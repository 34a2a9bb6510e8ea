"""The issuer's rules for django-allauth: when a login begins, how a change is confirmed, and how mail is sent.

- allauth calls `AccountAdapter.login` after the last step of a login: a password, a code or a passkey. Only then is the
  user logged in.
- URLs in mail begin with ISSUER_URL, and never depend on the request's Host.
- A user with a second factor confirms changes with a second factor. A password alone is not enough.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from tokens.authorize import login_session
from tokens.factors import enrolment
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.views import mail

CONFIRMATIONS = {
    "mfa_reauthenticate:webauthn": gettext_lazy("Use a passkey"),
    "mfa_reauthenticate": gettext_lazy("Use a code"),
}
"""The pages on which a user with a second factor can confirm a change, and their link texts. The default is first."""
WRONG_LOGIN = gettext_lazy("The username or the password is not correct.")


class AccountAdapter(DefaultAccountAdapter):
    """The issuer's rules for django-allauth."""

    error_messages = DefaultAccountAdapter.error_messages | {
        f"{name}_password_mismatch": WRONG_LOGIN for name in ("username", "email")
    }

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Return False: visitors sign up by the issuer's own page (`sign_up`)."""
        return False

    def login(self, request: HttpRequest, user: Any) -> None:
        """Log in the user after the last step of a login, and record the login.

        Raises NotReady, and changes nothing, if the clock is not reliable (`keyring.clock`).
        """
        now = keyring.clock(now=timezone.now())
        made_for = request.session.pop(login_session.WAITING_MARK, "")
        super().login(request, user)
        login_session.begin(request, user, made_for=made_for, now=now)

    def respond_user_inactive(self, request: HttpRequest, _user: Any) -> HttpResponse:
        """Return the page for a disabled user. Only a login by passkey shows it."""
        # The password of a disabled user is refused earlier.
        return render(request, "account/account_inactive.html", status=403)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return the pages on which the user can confirm a change, the default first.

        A user with a second factor confirms by a passkey or a code. A user without one confirms by the password.
        """
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not user.is_authenticated or not enrolment.types(user):
            return methods
        # A user who has only passkeys would otherwise be asked for a recovery code.
        offered = {method["id"]: method for method in methods}
        return [offered[name] | {"description": text} for name, text in CONFIRMATIONS.items() if name in offered]

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the sender's network address as rate limits count it: for IPv6, the /64 network."""
        return rate_limit.address(request)

    def add_message(self, *_args: Any, **_kwargs: Any) -> None:
        """Ignore allauth's messages, which no page of the issuer shows."""
        # The issuer's pages show no messages, so the admin would show the message to the next user of the browser.

    def is_safe_url(self, url: str | None) -> bool:
        """Return True if `url` is relative or has an allowed host. Returns False if `url` is malformed.

        A redirect to any other URL after the login would be an open redirect.
        """
        # allauth does not catch the ValueError that a malformed URL raises, so the answer would be a 500.
        try:
            return bool(super().is_safe_url(url or ""))
        except ValueError:
            return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Render a message and hand it to the thread that sends mail."""
        mail.send(mail.message(template_prefix, email, context))

    def get_password_change_redirect_url(self, _request: HttpRequest) -> str:
        """Return the address of the page to open after a change of the password. The change logs the user out."""
        return reverse("account_reset_password_from_key_done")
