"""/accounts/signup/: a visitor creates an account, if the setting SIGN_UP is on.

- The visitor enters an e-mail address and gets a link by mail. The page of the link asks for a password, and creates
  the user with a verified address. So only a visitor who can read the mail of an address can create its account.
- For every address, the first page does the same work and gives the same answer. Only the mail says whether there is an
  account already.
"""

from functools import partial
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordKeyForm
from django import forms
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from tokens import conf
from tokens.account import address_owner, mail_queue, new_account
from tokens.account.new_account import AddressTaken
from tokens.keys import keyring
from tokens.models import User
from tokens.views import mail, mail_link
from tokens.views.limits import busy_page, limited_mail
from tokens.views.mail_link import SIGN_UP, Expired
from tokens.views.pages import HEADERS, View, private
from tokens.views.password import AddressField, in_a_slot


class SignUpForm(forms.Form):
    """The form for the e-mail address of a visitor who signs up."""

    email = AddressField()


def _sign_up(request: HttpRequest) -> HttpResponse:
    """Show the form for the e-mail address, or queue mail to the address if a valid form was sent."""
    form = SignUpForm(request.POST or None)
    target = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    target = target if get_adapter(request).is_safe_url(target) else ""
    if request.method == "POST" and form.is_valid():
        mail_queue.later(partial(send_link, form.cleaned_data["email"], target))
        return HttpResponseRedirect(reverse("account_email_verification_sent"))
    return render(request, "account/signup.html", {"form": form, "target": target})


def send_link(email: str, target: str) -> None:
    """Send a link for the sign-up, or a notice that there is an account. Runs in the thread that sends mail.

    `target` is the address that the browser opens after the sign-up and the login, or "".
    """
    if address_owner.is_taken(email):
        url = mail.address("account_reset_password")
        mail.message("account/email/account_already_exists", email, {"password_reset_url": url}).send()
        return
    url = mail.address("account_signup_complete", mail_link.make(SIGN_UP, email=email, target=target))
    mail.message("account/email/sign_up", email, {"activate_url": url}).send()


def _complete(request: HttpRequest, key: str) -> HttpResponse:
    """Show the form for a password. If a valid form was sent, create the user and redirect to the login instead.

    `key` is the signed text from the link that the visitor got by mail.
    """
    try:
        content = mail_link.read(SIGN_UP, key)
        form = ResetPasswordKeyForm(request.POST or None, user=User(email=content["email"]))
        if request.method != "POST" or not form.is_valid():
            return render(request, "account/signup_complete.html", {"form": form, "address": content["email"]})
        now = keyring.estimated_clock(now=timezone.now())
        new_account.create(content["email"], form.cleaned_data["password1"], now=now)
    except (Expired, AddressTaken):
        return render(request, "account/signup_complete.html", {"expired": True}, status=400)
    query = {"login_hint": content["email"]} | ({REDIRECT_FIELD_NAME: content["target"]} if content["target"] else {})
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode(query)}")


def _if_open(view: View) -> View:
    """Return a view that calls `view`, or answers 404 if the setting SIGN_UP is off."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not conf.issuer().sign_up:
            raise Http404
        return view(request, *args, **kwargs)

    return answer


sign_up = private(_if_open(limited_mail("email")(_sign_up)), headers=HEADERS)
complete = private(_if_open(busy_page(in_a_slot(_complete))), headers=HEADERS)
