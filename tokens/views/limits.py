"""429 for whoever asks too often, at the endpoints and on the login page."""

from collections.abc import Callable, Sequence
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from tokens import conf, errors
from tokens.audit import trail
from tokens.clients import registry
from tokens.conf import Rate
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.limits.password_slots import Busy
from tokens.limits.rate_limit import NotCounted, TooMany
from tokens.login import folded
from tokens.views.caller import claimed_client, told
from tokens.views.pages import HEADERS, same_page

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
                count(request, what, _counted_names(claimed), rate, subject=told(claimed))
            except TooMany as error:
                return errors.too_many(error.retry_after)
            except NotCounted:
                pass  # these secrets cannot be guessed, however often
            return view(request, *args, **kwargs)

        return answer

    return decorate


def limited_login(field: str) -> Callable[[View], View]:
    """Limit how often the name in `field` of the form can be tried from an address.

    Beyond the limit, answers 429 with a page; 503 if nothing can be counted or too many passwords are being hashed.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if request.method != "POST":
                return view(request, *args, **kwargs)
            try:
                _count_login(request, request.POST.get(field, ""))
                return view(request, *args, **kwargs)
            except TooMany as error:
                return please_wait(request, 429, error.retry_after)
            except NotCounted:
                page = please_wait(request, 503, 5)
                return errors.because(page, "logins cannot be counted: the shared cache does not answer")
            except Busy as error:
                page = please_wait(request, 503, error.retry_after, busy=True)
                return errors.because(page, "too many passwords are being hashed at once")

        return answer

    return decorate


def count(request: HttpRequest, what: str, names: Sequence[str], rate: Rate, *, subject: str) -> None:
    """Count one attempt of `names` at the request's address. Raises TooMany and NotCounted.

    The first that is one too many in a window is a line of the audit log; a flood does not fill the log as well.
    """
    now, where = keyring.estimated_clock(now=timezone.now()), rate_limit.address(request)
    try:
        rate_limit.count(what, (*names, where), rate, now=now)
    except TooMany as error:
        if error.first:
            details = {"what": what, "address": where}
            trail.log("request.limited", actor="issuer", subject=subject, details=details, now=now)
        raise


def _counted_names(claimed: str) -> Sequence[str]:
    """Return what is counted with the address: the client's name if this process served it before, else nothing.

    Names that anybody can invent share one counter for each address. With a counter for each, a flood of them would
    fill the cache, or evict counters. A client's first request in a process is counted there, too.
    """
    return (claimed if registry.is_known(claimed) else "",)


def _count_login(request: HttpRequest, name: str) -> None:
    """The address first: whoever is over its limit makes no counters of names. What was typed stays out of the log."""
    rate = conf.issuer().rate_limits["login"]
    count(request, "logins", (), Rate(rate.number * BY_ADDRESS, rate.seconds), subject=NOBODY)
    count(request, "login", (folded(name),), rate, subject=NOBODY)


def please_wait(request: HttpRequest, status: int, retry_after: int, *, busy: bool = False) -> HttpResponse:
    """Return the page that asks to try again after `retry_after` seconds; its link leads back to the same page.

    429 after too many attempts; 503 if nothing can be counted, or if `busy` says that too many log in.
    """
    context = {"retry_after": retry_after, "status": status, "busy": busy, "again": same_page(request)}
    response = render(request, "account/too_many.html", context, status=status)
    for name, value in (HEADERS | {"Retry-After": str(retry_after)}).items():
        response.headers[name] = value
    return response
