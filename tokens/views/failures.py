"""The pages for what goes wrong outside of a view: unreadable, forbidden, forged, not found, broken.

They ask neither the session nor the database, which might be broken. Only a stale form's page tries the session.
"""

from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.template.loader import render_to_string

from tokens.views import own_forms
from tokens.views.pages import HEADERS, same_page

TITLES = {
    400: "This request cannot be read",
    403: "This is not allowed",
    404: "There is nothing here",
    410: "This request was already answered",
    411: "This request cannot be read",
    413: "This is too large",
    415: "This request cannot be read",
    500: "Something is broken here",
    503: "This service is not ready",
}


@dataclass(frozen=True, slots=True)
class Way:
    """A link on a page: an address of the issuer or of a client, and its text."""

    address: str
    label: str


def page(status: int, why: str, *ways: Way) -> HttpResponse:
    """Return a page that says `why`. It repeats input of the request only in the addresses of its links."""
    content = render_to_string("tokens/failure.html", {"title": TITLES[status], "why": why, "ways": ways})
    return HttpResponse(content, status=status, headers=HEADERS)


def bad_request(_request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 where there was too much (handler400)."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return page(413, "The request is too large.")
    return page(400, "What your browser sent cannot be understood.")


def forbidden(_request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's names)
    """403 (handler403)."""
    return page(403, "You may not do this.")


def not_found(_request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's names)
    """404 (handler404)."""
    return page(404, "Look at the address: something may be missing.")


def broken(_request: HttpRequest) -> HttpResponse:
    """500 (handler500)."""
    return page(500, "It is not your fault. Try again in a moment.")


def forged(request: HttpRequest, reason: str = "", **_: Any) -> HttpResponse:  # noqa: ARG001 (Django's names)
    """Return 403 for a form that fails the CSRF check (CSRF_FAILURE_VIEW).

    Most come from a page that was open in another tab while its user logged in or out, so links lead on.
    """
    if own_forms.is_unsaid(request):
        return page(403, "Nothing was done: your browser does not say which page this form came from. Use a newer one.")
    told = "Nothing was done: this page was open for too long, or you logged in or out in another tab."
    return page(403, told, *_on_from_login(request), Way(same_page(request), "Open the page again"))


def _on_from_login(request: HttpRequest) -> list[Way]:
    """Return the link to the page behind the login form, if the user is logged in by now."""
    target = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    if request.path != resolve_url(settings.LOGIN_URL) or not get_adapter().is_safe_url(target):
        return []
    try:
        user = request.user if request.user.is_authenticated else None
    except (DatabaseError, InterfaceError):
        return []
    return [Way(target, f"Go on as {user.get_username()}")] if user else []
