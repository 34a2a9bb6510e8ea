"""429 for whoever asks too often, at the endpoints and on the login page."""

import base64
import binascii
from collections.abc import Callable
from functools import wraps
from urllib.parse import unquote_plus

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from tokens import conf, errors, rate_limit
from tokens.conf import Rate
from tokens.rate_limit import NotCounted, TooMany

View = Callable[..., HttpResponseBase]
BY_ADDRESS = 10
"""How many times as often as one name, any names together may be tried from one address: guessing goes both ways."""
LONGEST_NAME = 256


def limited(what: str) -> Callable[[View], View]:
    """Let a client at an address ask the view `what` only as often as the settings say; JSON and 429 beyond that."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            who = (claimed_client(request), rate_limit.address(request))
            try:
                rate_limit.count(what, who, conf.issuer().rate_limits[what], now=timezone.now())
            except TooMany as error:
                return errors.too_many(error.retry_after)
            except NotCounted:
                pass  # these secrets cannot be guessed, however often
            return view(request, *args, **kwargs)

        return answer

    return decorate


def limited_login(field: str) -> Callable[[View], View]:
    """Let a name, which the form has in `field`, be tried from an address only as often as the settings say.

    A page and 429 beyond that; 503 where nothing can be counted.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if request.method != "POST":
                return view(request, *args, **kwargs)
            try:
                _count_login(_field(request, field), rate_limit.address(request))
            except TooMany as error:
                return _page(request, 429, error.retry_after)
            except NotCounted:
                return _page(request, 503, 5)
            return view(request, *args, **kwargs)

        return answer

    return decorate


def _count_login(name: str, where: str) -> None:
    rate, now = conf.issuer().rate_limits["login"], timezone.now()
    rate_limit.count("login", (name.strip().casefold()[:LONGEST_NAME], where), rate, now=now)
    rate_limit.count("logins", (where,), Rate(rate.number * BY_ADDRESS, rate.seconds), now=now)


def claimed_client(request: HttpRequest) -> str:
    """The client that a request says it is from; nothing of it is verified, it only names a counter."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(credentials, validate=True).decode()
        except (binascii.Error, ValueError):
            return ""
        return unquote_plus(decoded.partition(":")[0])[:LONGEST_NAME]
    return _field(request, "client_id")[:LONGEST_NAME]


def _field(request: HttpRequest, name: str) -> str:
    try:
        return str(request.POST.get(name, ""))
    except (RequestDataTooBig, TooManyFieldsSent):
        return ""  # the view says so


def _page(request: HttpRequest, status: int, retry_after: int) -> HttpResponse:
    headers = {"Retry-After": str(retry_after)}
    response = render(request, "account/too_many.html", {"retry_after": retry_after, "status": status}, status=status)
    for header, value in headers.items():
        response.headers[header] = value
    return response
