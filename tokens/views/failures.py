"""Pages for failures outside of a view: unreadable, forbidden, forged, not found, broken.

They read neither the session nor the database, which can be the cause. Only the page for a stale login form tries to
read the session.
"""

from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.template.loader import render_to_string

from tokens import conf
from tokens.views import own_forms
from tokens.views.pages import HEADERS, same_page

TITLES = {
    400: "This request cannot be read",
    403: "This is not allowed",
    404: "This page does not exist",
    410: "This request was already answered",
    411: "This request cannot be read",
    413: "This is too large",
    415: "This request cannot be read",
    500: "An internal error occurred",
    503: "This service is not ready",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A link on a page: an address of the issuer or of a client, and its text."""

    address: str
    label: str


def page(status: int, explanation: str, *links: Link) -> HttpResponse:
    """Return a page with the explanation. Only the addresses of its links repeat input of the request."""
    context = {"title": TITLES[status], "explanation": explanation, "links": links}
    return HttpResponse(render_to_string("tokens/failure.html", context), status=status, headers=HEADERS)


def bad_request(_request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 400, or 413 if the request is too large (handler400)."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return page(413, "The request is too large.")
    return page(400, "The server does not understand what your browser sent.")


def forbidden(_request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's names)
    """Return 403 (handler403)."""
    return page(403, "You do not have permission to do this.")


def not_found(_request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's names)
    """Return 404 (handler404)."""
    return page(404, "Check the address: a part of it may be missing.")


def broken(_request: HttpRequest) -> HttpResponse:
    """Return 500 (handler500)."""
    return page(500, "You did nothing wrong. Try again in a moment.")


def forged(request: HttpRequest, reason: str = "", **_: Any) -> HttpResponse:  # noqa: ARG001 (Django's names)
    """Return 403 for a form that fails the CSRF check (CSRF_FAILURE_VIEW)."""
    if own_forms.hides_origin(request):
        return page(
            403, "Nothing was done: your browser does not say which page this form came from. Use a newer browser."
        )
    # Most such forms come from a page that stayed open while its user logged in or out in another tab.
    explanation = "Nothing was done: this page was open for too long, or you logged in or out in another tab."
    return page(403, explanation, *_links_after_login(request), Link(same_page(request), "Open the page again"))


def _links_after_login(request: HttpRequest) -> list[Link]:
    """Return the link to the page behind the login form if the user has logged in elsewhere, else no link."""
    target = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    # Only an address of the issuer, or the page would be an open redirect by one click.
    if request.path != resolve_url(conf.pages().login_url) or not get_adapter().is_safe_url(target):
        return []
    try:
        user = request.user if request.user.is_authenticated else None
    except (DatabaseError, InterfaceError):
        return []
    return [Link(target, f"Continue as {user.get_username()}")] if user else []
