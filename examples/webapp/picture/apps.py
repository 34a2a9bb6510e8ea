"""Record the requests that the application sends to issuer and API."""

from typing import Any

from django.apps import AppConfig
from requests import PreparedRequest, Response

from examples.webapp import settings
from examples.webapp.hooks import HOOKS
from examples.webapp.picture.exchange import Message, from_parts
from examples.webapp.picture.recorder import BROWSER, RECORDER


class PictureConfig(AppConfig):
    """The Django app of the picture. It records the responses that the application receives from issuer and API."""

    name = "examples.webapp.picture"

    def ready(self) -> None:
        """Register `record` as a hook that is called with each response."""
        HOOKS["response"].append(record)


def record(response: Response, **_: Any) -> None:
    """Record a response that this application received, with its request, if it belongs to a browser's login."""
    request, browser = response.request, BROWSER.get()
    kind = kind_of(request)
    if not kind or not browser:
        return
    sent, received = Message(request.headers, body_of(request)), Message(response.headers, response.text)
    exchange = from_parts(kind, request.method or "", request.url or "", response.status_code, sent, received)
    RECORDER.add(browser, exchange)


def kind_of(request: PreparedRequest) -> str:
    """Return "api", "jwks" or "token", the kind of the request to issuer or API.

    Returns "" if the request is not part of the picture.
    """
    url = request.url or ""
    if url.startswith(f"{settings.API_URL}/"):
        return "api"
    if url.endswith("/jwks.json"):
        return "jwks"
    return "token" if request.method == "POST" and "grant_type=" in body_of(request) else ""


def body_of(request: PreparedRequest) -> str:
    """Return the body of a request as text."""
    body = request.body or ""
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body)
