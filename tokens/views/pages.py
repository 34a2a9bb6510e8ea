"""What every page of ours says to the browser: no frame, no cache, nothing from elsewhere."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponseBase

HEADERS = {
    "Cache-Control": "no-store",
    # No form-action: browsers apply it to where a form's answer leads, which for consent is the application.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Referrer-Policy": "same-origin",  # under no-referrer a browser sends `Origin: null`, and the form is refused
    "X-Frame-Options": "DENY",
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
