"""/accounts/email/: verify or change the e-mail address of the logged-in user.

- The user must be logged in, open the link in the mail, and confirm. Then the new address replaces the old one.
- The response is the same for every address. The thread that sends mail looks up the address. If another user has the
  address, this other user gets a notice, and no link is sent.
"""

from functools import partial
from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from tokens import email_proof
from tokens.account import address_owner, email_address, mail_queue
from tokens.email_proof import CannotVerify
from tokens.keys import keyring
from tokens.models import User
from tokens.views import mail, mail_link
from tokens.views.limits import limited_mail
from tokens.views.mail_link import NEW_ADDRESS, Expired
from tokens.views.not_ready import page_if_not_ready
from tokens.views.pages import ACCOUNT_HEADERS, private, user_of
from tokens.views.password import AddressField


class AddressForm(forms.Form):
    """The form for a new e-mail address."""

    email = AddressField()


def _address(request: HttpRequest) -> HttpResponse:
    """Show the user's address, or send a link to the address that the user entered."""
    user = user_of(request)
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        mail_queue.later(partial(send_link, str(user.sub), user.email, form.cleaned_data["email"]))
        return HttpResponseRedirect(reverse("account_email_verification_sent"))
    context = {"form": form, "address": user.email, "is_verified": bool(user.email) and email_proof.is_verified(user)}
    return render(request, "account/email.html", context)


def send_link(sub: str, old: str, new: str) -> None:
    """Send a link to the e-mail address `new`. With the link, the user verifies that address.

    `sub` identifies the user, and `old` is the user's current address. If another user has the address `new`, sends
    only a notice to that user. Runs in the thread that sends mail.
    """
    if address_owner.is_taken(new, except_sub=sub):
        url = mail.address("account_reset_password")
        mail.message("account/email/account_already_exists", new, {"password_reset_url": url}).send()
        return
    user = User.objects.get(sub=sub)
    url = mail.address("account_confirm_email", mail_link.make(NEW_ADDRESS, sub=sub, old=old, new=new))
    mail.message("account/email/new_address", new, {"user": user, "activate_url": url}).send()


def _confirm(request: HttpRequest, key: str) -> HttpResponse:
    """Ask the user to confirm the new address in `key`, the signed text of a link in mail.

    If the user confirms, the new address replaces the old one and counts as verified.
    """
    user = user_of(request)
    try:
        content = _read(user, key)
        if request.method != "POST":
            return render(request, "account/email_confirm.html", {"address": content["new"]})
        _change(user, content["new"])
    except (Expired, CannotVerify):
        return render(request, "account/email_confirm.html", {"expired": True}, status=400)
    return render(request, "account/email_confirm.html", {"address": content["new"], "done": True})


def _read(user: User, key: str) -> dict[str, Any]:
    """Return the content of `key`, the signed text of a link that was sent to the user by mail.

    Raises Expired if the link is too old, is another user's, or was made before the user's address changed.
    """
    content = mail_link.read(NEW_ADDRESS, key)
    if content["sub"] != str(user.sub) or content["old"] != user.email:
        raise Expired("the link is another user's, or the address changed since")
    return content


def _change(user: User, new: str) -> None:
    """Replace the user's e-mail address by the verified address `new`. Send a notice to the former address.

    Raises CannotVerify if `new` belongs to another user.
    """
    if former := email_address.change(user, new, now=keyring.estimated_clock(now=timezone.now())):
        mail.send(mail.message("account/email/address_changed", former, {"user": user}))


def _sent(request: HttpRequest) -> HttpResponse:
    return render(request, "account/verification_sent.html")


_changing = reauthentication_required(app="allauth.account")(limited_mail("email")(_address))
address = private(page_if_not_ready(mail.if_sent(login_required(_changing))), headers=ACCOUNT_HEADERS)
confirm = private(page_if_not_ready(mail.if_sent(login_required(_confirm))), headers=ACCOUNT_HEADERS)
sent = private(mail.if_sent(_sent), headers=ACCOUNT_HEADERS)
