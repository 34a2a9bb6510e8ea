"""429 for whoever asks too often, at the endpoints and on the login page."""

from collections.abc import Callable, Sequence
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from tokens import audit, conf, errors, rate_limit
from tokens.conf import Rate
from tokens.login import folded
from tokens.rate_limit import NotCounted, TooMany
from tokens.views.claimed import claimed_client, told

View = Callable[..., HttpResponseBase]
NOBODY = "user:unknown"
BY_ADDRESS = 10
"""How many times as often as one name, any names together may be tried from one address: guessing goes both ways."""


def limited(what: str) -> Callable[[View], View]:
    """Let a client at an address ask the view `what` only as often as the settings say; JSON and 429 beyond that.

    Stands inside `form_only`, because the client's name may be in the body.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            claimed, rate = claimed_client(request), conf.issuer().rate_limits[what]
            try:
                count(request, what, (claimed,), rate, subject=told(claimed))
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
                _count_login(request, request.POST.get(field, ""))
            except TooMany as error:
                return _page(request, 429, error.retry_after)
            except NotCounted:
                return errors.because(
                    _page(request, 503, 5), "logins cannot be counted: the shared cache does not answer"
                )
            return view(request, *args, **kwargs)

        return answer

    return decorate


def count(request: HttpRequest, what: str, names: Sequence[str], rate: Rate, *, subject: str) -> None:
    """Count one attempt of `names` at the request's address. Raises TooMany and NotCounted.

    The first that is one too many in a window is a line of the audit log; a flood does not fill the log as well.
    """
    now, where = timezone.now(), rate_limit.address(request)
    try:
        rate_limit.count(what, (*names, where), rate, now=now)
    except TooMany as error:
        if error.first:
            details = {"what": what, "address": where}
            audit.log("request.limited", actor="issuer", subject=subject, details=details, now=now)
        raise


def _count_login(request: HttpRequest, name: str) -> None:
    """The address first: whoever is over its limit makes no counters of names. What was typed stays out of the log."""
    rate = conf.issuer().rate_limits["login"]
    count(request, "logins", (), Rate(rate.number * BY_ADDRESS, rate.seconds), subject=NOBODY)
    count(request, "login", (folded(name),), rate, subject=NOBODY)


def _page(request: HttpRequest, status: int, retry_after: int) -> HttpResponse:
    response = render(request, "account/too_many.html", {"retry_after": retry_after, "status": status}, status=status)
    response.headers["Retry-After"] = str(retry_after)
    return response
