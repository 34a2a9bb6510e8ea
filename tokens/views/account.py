"""The login page, the logout page, and /accounts/, which shows what the issuer knows about the user.

The class of the login page is in `login`. This module adds the rate limit, the headers and the choice of language.
"""

from dataclasses import dataclass
from typing import Any

from allauth.account.views import LogoutView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokens.claims import source
from tokens.claims.claims_error import ClaimsFailed
from tokens.claims.names import WORDS
from tokens.email_proof import is_verified
from tokens.models import User
from tokens.views import ui_locales
from tokens.views.limits import limited_login
from tokens.views.login import LoginPage
from tokens.views.not_ready import page_if_not_ready
from tokens.views.pages import ACCOUNT_HEADERS, private

LINKS = (
    ("account_change_password", gettext_lazy("Change the password")),
    ("account_email", gettext_lazy("Change the e-mail address")),
    ("mfa_index", gettext_lazy("Second factors and passkeys")),
)
"""Names of URLs of django-allauth, with link texts. A page that this deployment does not have gets no link."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A claim on the account page, with its label. Applications can read the claim if the user allows it."""

    label: str
    value: object


@dataclass(frozen=True, slots=True)
class PageLink:
    """A link to another page of the account."""

    address: str
    label: str | Promise


class LogoutPage(LogoutView):
    """The page that logs the user out. One transaction ends the session and queues its logout messages to clients."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Log out the user of this browser."""
        with transaction.atomic():
            return super().post(*args, **kwargs)


def home(request: HttpRequest) -> HttpResponse:
    """Return the account page of the logged-in user. A visitor gets a page with a link to the login."""
    if not request.user.is_authenticated:
        return render(request, "account/home.html")
    user = request.user
    context = {"shared": _shared(user), "is_verified": is_verified(user), "links": _links()}
    return render(request, "account/home.html", context)


def _shared(user: User) -> list[Shared]:
    """Return the claims that applications can read, in the words of the consent page.

    Leaves out claims that have no text value, or that cannot be computed now.
    """
    shared = []
    for name in source.supported():
        try:
            value = source.values(user, [name]).get(name)
        except ClaimsFailed:
            continue
        if isinstance(value, str) and value:
            shared.append(Shared(_(WORDS[name]), value))
    return shared


def _links() -> list[PageLink]:
    """Return a link for each entry of LINKS whose page exists in this deployment."""
    links = []
    for name, label in LINKS:
        try:
            links.append(PageLink(reverse(name), label))
        except NoReverseMatch:
            continue
    return links


login = private(ui_locales.followed(limited_login("login")(page_if_not_ready(LoginPage.as_view()))))
logout = private(LogoutPage.as_view())
account = private(home, headers=ACCOUNT_HEADERS)
