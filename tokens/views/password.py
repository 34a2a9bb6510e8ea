"""/accounts/password/: a user changes the password, or gets a link by mail with which to set a new password.

- A request for a link does the same work for every address: it is counted, the address is queued, and the page is
  returned. The thread that sends mail looks up the user. So neither the page nor its response time reveals which
  addresses have accounts.
- A new password ends all sessions of the user, and revokes the user's grants and tokens (`revoking.signals`). Setting a
  password does not log the user in. So a user with a second factor still needs this factor at the next login.
"""

from functools import partial
from typing import Any

from allauth.account.forms import default_token_generator
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

from tokens.account import address_owner, mail_queue
from tokens.limits import password_slots
from tokens.views import mail
from tokens.views.limits import busy_page, limited_factor, limited_mail
from tokens.views.not_ready import page_if_not_ready
from tokens.views.pages import ACCOUNT_HEADERS, View, private, user_if_logged_in

ADDRESS_LENGTH = 254


class AddressField(forms.EmailField):
    """An e-mail address in lower case, the spelling in which accounts are looked up."""

    def __init__(self) -> None:
        super().__init__(max_length=ADDRESS_LENGTH)

    def to_python(self, value: Any) -> Any:
        """Return the address in lower case."""
        # Mail must go to the address that was looked up. The Kelvin sign, which Django's validator accepts, is a "k" in
        # lower case, so an address with that sign can be the mailbox of another person (CVE-2019-19844).
        return (super().to_python(value) or "").lower()


class ResetForm(forms.Form):
    """The form for the e-mail address to which a link is sent. The account is looked up later, in another thread."""

    email = AddressField()

    def save(self, _request: HttpRequest) -> None:
        """Queue the mail with the link to set a new password."""
        mail_queue.later(partial(send_link, self.cleaned_data["email"]))


def send_link(email: str) -> None:
    """Send each active user with this address a link to set a new password. Runs in the thread that sends mail."""
    for user, address in address_owner.recipients(email):
        key = default_token_generator.make_token(user)
        url = mail.address("account_reset_password_from_key", user_pk_to_url_str(user), key)
        context = {"user": user, "username": user.get_username(), "password_reset_url": url}
        mail.message("account/email/password_reset_key", address, context).send()


class ResetPage(PasswordResetView):
    """The page that asks for the e-mail address of a user who forgot the password."""

    def get_form_class(self) -> type[forms.Form]:
        """Return ResetForm, which does not reveal if the address has an account."""
        return ResetForm


class SetPage(PasswordResetFromKeyView):
    """The page on which a user who opened the link in the mail sets a new password."""


class ChangePage(PasswordChangeView):
    """The page on which a user who knows the old password sets a new one."""


def in_a_slot(view: View) -> View:
    """Return a view that calls `view`. During a POST, the returned view holds a slot of `limits.password_slots`.

    A POST hashes a password, and the number of slots limits how many passwords are hashed at once. The returned view
    raises Busy if no slot is free in time.
    """

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with password_slots.bound().slot():
            return view(request, *args, **kwargs)

    return answer


def _page(view: View) -> View:
    return private(page_if_not_ready(view), headers=ACCOUNT_HEADERS)


change = _page(limited_factor(user_if_logged_in)(in_a_slot(login_required(ChangePage.as_view()))))
set_first = _page(limited_factor(user_if_logged_in)(in_a_slot(login_required(PasswordSetView.as_view()))))
reset = _page(mail.if_sent(limited_mail("email")(ResetPage.as_view())))
reset_done = _page(mail.if_sent(PasswordResetDoneView.as_view()))
set_by_link = _page(mail.if_sent(busy_page(in_a_slot(SetPage.as_view()))))
changed = _page(PasswordResetFromKeyDoneView.as_view())
