"""Which page a form came from, where our own pages keep that from everybody: they say `Referrer-Policy: no-referrer`.

Under it a browser sends `Origin: null` with the very forms of the page, and Django's protection against forged requests
would refuse them. But the browser says by itself how the page that sends a form is related to where it goes, and no
page can make it say otherwise (Fetch Metadata Request Headers, sections 2.3 and 3.1: `Sec-` is forbidden to scripts).
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

Answer = Callable[[HttpRequest], HttpResponseBase]


def own_forms(answer: Answer) -> Answer:
    """Middleware: a form that the browser says is of our own origin has that origin; its token is still asked for."""

    def with_origin(request: HttpRequest) -> HttpResponseBase:
        if request.headers.get("Origin") == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin":
            request.META["HTTP_ORIGIN"] = f"{request.scheme}://{request.get_host()}"
        return answer(request)

    return with_origin


def is_unsaid(request: HttpRequest) -> bool:
    """Whether the browser is too old to say where a form came from (Safari before 16.4)."""
    return request.headers.get("Origin") == "null" and "Sec-Fetch-Site" not in request.headers
