"""Record the requests of browsers that belong to the flow: the redirect to the issuer, and the redirect back."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from examples.webapp import settings
from examples.webapp.picture.exchange import Message, from_parts
from examples.webapp.picture.recorder import BROWSER, RECORDER

COOKIE = "webapp_flow"


class RecordFlow:
    """Middleware that records a browser's exchanges, under an identifier that a cookie of the browser contains."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, and record it if it belongs to the flow."""
        presented = request.COOKIES.get(COOKIE, "")
        browser = RECORDER.identifier(presented)
        current = BROWSER.set(browser)
        try:
            response = self.get_response(request)
        finally:
            BROWSER.reset(current)
        if kind := kind_of(request, response):
            sent, received = Message(request.headers), Message(response.headers)
            url = request.build_absolute_uri()
            # Recorded after the exchanges that it caused: so the redirect to the issuer begins a new flow.
            RECORDER.add(browser, from_parts(kind, request.method or "", url, response.status_code, sent, received))
        if browser != presented and RECORDER.flow(browser):
            secure = settings.SESSION_COOKIE_SECURE
            response.set_cookie(COOKIE, browser, httponly=True, samesite="Lax", secure=secure)
        return response


def kind_of(request: HttpRequest, response: HttpResponse) -> str:
    """Return the kind of the exchange: `login`, `callback`, or "" if it is not part of the flow.

    `login` is a redirect to the issuer's authorization endpoint.
    """
    location = response.headers.get("Location", "")
    if location.startswith(f"{settings.ISSUER_URL}/") and "response_type=" in location:
        return "login"
    return "callback" if request.path == "/callback" else ""
