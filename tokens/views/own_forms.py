"""Recognize forms that the issuer's own pages sent, although these pages hide their origin.

- The issuer's pages have `Referrer-Policy: no-referrer`, so that no other site learns their addresses.
- Under that policy a browser sends `Origin: null` with a form. Django's CSRF protection refuses such a form.
- A browser adds `Sec-Fetch-Site: same-origin` if the page and the form's target have the same origin. No script can set
  a `Sec-` header (Fetch Metadata Request Headers, sections 2.3 and 3.1). So this header tells the origin of the form.
- The CSRF token is checked in any case.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

Answer = Callable[[HttpRequest], HttpResponseBase]


def own_forms(answer: Answer) -> Answer:
    """Return middleware that replaces `Origin: null` by the issuer's origin if Sec-Fetch-Site is `same-origin`.

    `answer` is the next middleware or the view.
    """

    def with_origin(request: HttpRequest) -> HttpResponseBase:
        if request.headers.get("Origin") == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin":
            request.META["HTTP_ORIGIN"] = f"{request.scheme}://{request.get_host()}"
        return answer(request)

    return with_origin


def hides_origin(request: HttpRequest) -> bool:
    """Return True if the request has `Origin: null` and no Sec-Fetch-Site, as forms from Safari before 16.4."""
    return request.headers.get("Origin") == "null" and "Sec-Fetch-Site" not in request.headers
