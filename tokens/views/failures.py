"""Error pages for failures outside of a view: statuses 400, 403, 404, 413 and 500, and failed CSRF checks.

The pages do not read the session or the database, because these can be the cause of the failure. Only the page for a
stale login form tries to read the session. Each page says what the user can do next, and has the id of the request,
which is also in the log.
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
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokens import conf
from tokens.views import own_forms
from tokens.views.pages import HEADERS, same_page

TITLES = {
    400: gettext_lazy("This request cannot be read"),
    403: gettext_lazy("This is not allowed"),
    404: gettext_lazy("This page does not exist"),
    410: gettext_lazy("This request was already answered"),
    411: gettext_lazy("This request cannot be read"),
    413: gettext_lazy("This is too large"),
    415: gettext_lazy("This request cannot be read"),
    500: gettext_lazy("An internal error occurred"),
    503: gettext_lazy("This service is not ready"),
}


@dataclass(frozen=True, slots=True)
class Link:
    """A link on a page: an address of the issuer or of a client, and its text."""

    address: str
    label: str


def request_id(request: HttpRequest | None) -> str:
    """Return the id that project/request_id.py gave the request, or ""."""
    return str(getattr(request, "request_id", ""))


def page(
    request: HttpRequest | None, status: int, explanation: str | Promise, *links: Link, why: str = ""
) -> HttpResponse:
    """Return a page with `explanation` for the user, `why` for the developer of the application, and `links`.

    `explanation` and `why` must not repeat input of the request. The addresses of `links` may.
    """
    context = {
        "title": TITLES[status],
        "explanation": explanation,
        "links": links,
        "why": why or f"HTTP {status}",
        "request_id": request_id(request),
    }
    return HttpResponse(render_to_string("tokens/failure.html", context), status=status, headers=HEADERS)


def bad_request(request: HttpRequest | None, exception: Exception) -> HttpResponse:
    """Return the error page with status 400, or 413 if the request is too large (Django's `handler400`)."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return page(request, 413, _("The request is too large. Go back, and send less data."))
    why = "HTTP 400: the Host, the address, a header or the form of the request is malformed."
    explanation = _("The server could not read the request of your browser. Open the page again.")
    return page(request, 400, explanation, why=why)


def forbidden(request: HttpRequest | None, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's names)
    """Return the error page with status 403, for a request without permission (Django's `handler403`)."""
    explanation = _("You do not have permission to do this. Ask an administrator, or log in as another user.")
    return page(request, 403, explanation, why="HTTP 403: the logged-in user lacks a permission.")


def not_found(request: HttpRequest | None, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's names)
    """Return the error page with status 404, for an unknown address (Django's `handler404`)."""
    return page(request, 404, _("Check the address. A part of it might be missing."))


def broken(request: HttpRequest | None) -> HttpResponse:
    """Return the error page with status 500, for an unexpected exception (Django's `handler500`)."""
    explanation = _("This is not your fault. Try again in a moment. If it happens again, report the ID of the request.")
    return page(request, 500, explanation, why="HTTP 500: the log has a traceback under this request's id.")


def forged(request: HttpRequest, reason: str = "", **_arguments: Any) -> HttpResponse:  # noqa: ARG001 (Django's names)
    """Return 403 for a form that fails the CSRF check (CSRF_FAILURE_VIEW)."""
    if own_forms.hides_origin(request):
        explanation = _(
            "Nothing was changed: your browser does not say which page sent this form. Use a newer browser."
        )
        return page(request, 403, explanation, why="CSRF: Origin is null, and Sec-Fetch-Site is missing.")
    # Most such forms come from a page that stayed open while its user logged in or out in another tab.
    explanation = _("Nothing was changed: this page was open for too long, or you logged in or out in another tab.")
    again = Link(same_page(request), _("Open the page again"))
    why = "CSRF: the form's token is missing, or is not of this browser's cookie."
    return page(request, 403, explanation, *_links_after_login(request), again, why=why)


def _links_after_login(request: HttpRequest) -> list[Link]:
    """Return a list with a link to the page that follows the login, if the user has logged in through another tab.

    Returns [] if the form is not the login form, if the login does not lead to a page of the issuer, if the user is not
    logged in, or if the session cannot be read.
    """
    target = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    # Only an address of the issuer is linked. Otherwise the page would be an open redirect with a click.
    if request.path != resolve_url(conf.pages().login_url) or not get_adapter().is_safe_url(target):
        return []
    try:
        user = request.user if request.user.is_authenticated else None
    except (DatabaseError, InterfaceError):
        return []
    return [Link(target, _("Continue as %(user)s") % {"user": user.get_username()})] if user else []
