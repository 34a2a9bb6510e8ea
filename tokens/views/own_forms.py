"""Recognize forms that the issuer's own pages sent, although these pages hide their origin.

- Our pages have `Referrer-Policy: no-referrer`, so that no other site learns their addresses.
- Under that policy a browser sends `Origin: null` with the forms of the page. Django's CSRF protection refuses those.
- A browser adds `Sec-Fetch-Site: same-origin` if the page has the origin of the form's target. No script can set a
  `Sec-` header (Fetch Metadata Request Headers, sections 2.3 and 3.1). So that header restores the origin.
- The CSRF token is checked in any case.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

Answer = Callable[[HttpRequest], HttpResponseBase]


def own_forms(answer: Answer) -> Answer:
    """Set the header Origin to the issuer's if the browser says that the form is from the same origin. Middleware."""

    def with_origin(request: HttpRequest) -> HttpResponseBase:
        if request.headers.get("Origin") == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin":
            request.META["HTTP_ORIGIN"] = f"{request.scheme}://{request.get_host()}"
        return answer(request)

    return with_origin


def hides_origin(request: HttpRequest) -> bool:
    """Return True if the browser is too old to say where a form comes from (Safari before 16.4)."""
    return request.headers.get("Origin") == "null" and "Sec-Fetch-Site" not in request.headers
