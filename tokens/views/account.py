"""/accounts/: log in, log out, and what a user sees who came without an application."""

from collections.abc import Callable
from functools import wraps

from allauth.account.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Referrer-Policy": "same-origin",  # under no-referrer a browser sends `Origin: null`, and the form is refused
}

View = Callable[..., HttpResponseBase]


def private(view: View) -> View:
    """The view's answer as a page that no site may frame, no cache keeps, and no foreign content enters."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    return answer


def home(request: HttpRequest) -> HttpResponse:
    """Who is logged in at the issuer."""
    return render(request, "account/home.html")


login = private(LoginView.as_view())
logout = private(LogoutView.as_view())
account = private(home)
