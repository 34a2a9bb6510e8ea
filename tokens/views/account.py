"""/accounts/: the login page, the logout page, and the start page of a user who comes without a client."""

from typing import Any

from allauth.account.views import LogoutView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tokens.views.limits import limited_login
from tokens.views.login import LoginPage
from tokens.views.not_ready import page_if_not_ready
from tokens.views.pages import ACCOUNT_HEADERS, private


class LogoutPage(LogoutView):
    """The logout page. The messages to clients are committed with the end of the session."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Log out the user of this browser."""
        with transaction.atomic():
            return super().post(*args, **kwargs)


def home(request: HttpRequest) -> HttpResponse:
    """Return the page that names the logged-in user."""
    return render(request, "account/home.html")


login = private(limited_login("login")(page_if_not_ready(LoginPage.as_view())))
logout = private(LogoutPage.as_view())
account = private(home, headers=ACCOUNT_HEADERS)
