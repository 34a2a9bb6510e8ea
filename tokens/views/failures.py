"""The pages for what goes wrong outside of a view: unreadable, forbidden, forged, not found, broken.

They ask neither the session nor the database, which may be what is broken.
"""

from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from tokens.views import own_forms
from tokens.views.pages import HEADERS

TITLES = {
    400: "This request cannot be read",
    403: "This is not allowed",
    404: "There is nothing here",
    411: "This request cannot be read",
    413: "This is too large",
    415: "This request cannot be read",
    500: "Something is broken here",
    503: "This service is not ready",
}


def page(status: int, why: str) -> HttpResponse:
    """A page of ours that says `why`, which repeats nothing of what was sent."""
    content = render_to_string("tokens/failure.html", {"title": TITLES[status], "why": why})
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
    """403 for a form that lacks the proof of coming from us (CSRF_FAILURE_VIEW)."""
    if own_forms.is_unsaid(request):
        return page(403, "Nothing was done: your browser does not say which page this form came from. Use a newer one.")
    return page(403, "Nothing was done: this form was not sent from our page, or the page had grown old. Open it anew.")
