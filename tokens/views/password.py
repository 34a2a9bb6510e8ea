"""/accounts/password/: a user changes the password, or gets a link by mail that sets a new one.

- The request for a link does the same work for every address: it counts, queues the address and answers. The thread
  that sends mail looks the user up. So neither the page nor its time reveals which addresses have accounts.
- A new password ends all sessions, grants and tokens of the user (`revoking.signals`). It is no login: a user with a
  second factor is asked for it at the next login.
"""

from functools import partial
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.utils import user_pk_to_url_str
from allauth.account.views import (
    PasswordChangeView,
    PasswordResetDoneView,
    PasswordResetFromKeyDoneView,
    PasswordResetFromKeyView,
    PasswordResetView,
    PasswordSetView,
)
from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest

from tokens import login
from tokens.limits import password_slots
from tokens.models import User
from tokens.views import mail
from tokens.views.limits import limited_factor, limited_mail
from tokens.views.not_ready import page_if_not_ready
from tokens.views.pages import ACCOUNT_HEADERS, View, private

ADDRESS_LENGTH = 254


class AddressField(forms.EmailField):
    """An e-mail address, in small letters: the spelling in which accounts are looked up."""

    def __init__(self) -> None:
        super().__init__(max_length=ADDRESS_LENGTH)

    def to_python(self, value: Any) -> Any:
        """Return the address in small letters."""
        # Mail must go to the address that was looked up. The Kelvin sign, which Django's validator accepts, is a "k"
        # in small letters, and can be the mailbox of another person (CVE-2019-19844).
        return (super().to_python(value) or "").lower()


class ResetForm(forms.Form):
    """The address to which the link is sent. It is looked up later."""

    email = AddressField()

    def save(self, _request: HttpRequest) -> None:
        """Queue the mail."""
        mail.later(partial(send_link, self.cleaned_data["email"]))


def send_link(email: str) -> None:
    """Send each active user of the address a link that sets a new password. Runs in the thread that sends mail."""
    for user, address in recipients(email):
        key = default_token_generator.make_token(user)
        url = mail.address("account_reset_password_from_key", user_pk_to_url_str(user), key)
        context = {"user": user, "username": user.get_username(), "password_reset_url": url}
        mail.message("account/email/password_reset_key", address, context).send()


def recipients(email: str) -> list[tuple[User, str]]:
    """Return the active users of an address in small letters, each with the address to which the mail goes."""
    if found := filter_users_by_email(email, is_active=True, prefer_verified=True, for_login=True):
        return [(user, email) for user in found]
    # An administrator can store an address with capitals, which allauth does not find.
    stored = User.objects.filter(login.spelled("email", email), is_active=True)
    return [(user, user.email) for user in stored if user.email.lower() == email]


class ResetPage(PasswordResetView):
    """Asks for the address."""

    def get_form_class(self) -> type[forms.Form]:
        """Return the form, which reveals nothing."""
        return ResetForm


class SetPage(PasswordResetFromKeyView):
    """Sets a new password by the link in the mail."""


class ChangePage(PasswordChangeView):
    """Sets a new password by the old one."""


def _own(request: HttpRequest) -> str:
    return str(request.user.pk) if request.user.is_authenticated else ""


def in_a_slot(view: View) -> View:
    """Serve a form that hashes passwords in a slot of `limits.password_slots`. Raises Busy."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with password_slots.bound().slot():
            return view(request, *args, **kwargs)

    return answer


def _page(view: View) -> View:
    return private(page_if_not_ready(view), headers=ACCOUNT_HEADERS)


change = _page(limited_factor(_own)(in_a_slot(login_required(ChangePage.as_view()))))
set_first = _page(limited_factor(_own)(in_a_slot(login_required(PasswordSetView.as_view()))))
reset = _page(mail.if_sent(limited_mail("email")(ResetPage.as_view())))
reset_done = _page(mail.if_sent(PasswordResetDoneView.as_view()))
set_by_link = _page(mail.if_sent(limited_factor(lambda _: "")(in_a_slot(SetPage.as_view()))))
changed = _page(PasswordResetFromKeyDoneView.as_view())
