"""What django-allauth asks about accounts: when a login begins, how a change is confirmed, and how mail is sent.

- A login begins in one place, after the last step, which can be a password, a code or a passkey.
- Addresses in mail are made of ISSUER_URL, never of the request's Host.
- A user with a second factor confirms changes with it. A password alone changes no factor.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from tokens.authorize import login_session
from tokens.factors import enrolment
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.views import mail


class AccountAdapter(DefaultAccountAdapter):
    """The issuer's rules for django-allauth."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Return False: visitors sign up by the issuer's own page (`sign_up`)."""
        return False

    def login(self, request: HttpRequest, user: Any) -> None:
        """Log in the user whose last step succeeded, and record the login.

        Raises NotReady, before anything is done, if the database's clock is unknown.
        """
        now = keyring.clock(now=timezone.now())
        made_for = request.session.pop(login_session.WAITING_MARK, "")
        super().login(request, user)
        login_session.begin(request, user, made_for=made_for, now=now)

    def respond_user_inactive(self, request: HttpRequest, _user: Any) -> HttpResponse:
        """Return the page for a disabled user. Only the owner of a passkey gets here: a password is refused before."""
        return render(request, "account/account_inactive.html", status=403)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return the pages on which the user can confirm a change, the default first."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not user.is_authenticated or not enrolment.types(user):
            return methods
        return [method for method in methods if method["id"] != "reauthenticate"]

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the sender's address, as rate limits count it."""
        return rate_limit.address(request)

    def add_message(self, *_args: Any, **_kwargs: Any) -> None:
        """Ignore allauth's messages, which no page of the issuer shows."""
        # The issuer's pages show no messages, so the admin would show this one to the next user of the browser.

    def is_safe_url(self, url: str | None) -> bool:
        """Return True if a login may redirect to `url` (no open redirect)."""
        # allauth does not catch the ValueError that a malformed URL raises: without this, the answer is a 500.
        try:
            return bool(super().is_safe_url(url or ""))
        except ValueError:
            return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Render a message and hand it to the thread that sends mail."""
        mail.send(mail.message(template_prefix, email, context))

    def get_password_change_redirect_url(self, _request: HttpRequest) -> str:
        """Return the page that says that the password is changed, and that the user is logged out."""
        return reverse("account_reset_password_from_key_done")
