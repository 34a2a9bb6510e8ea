"""Rate limits of pages: 429 for a user that tries too often. `endpoint` counts the requests of clients."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from tokens import conf, errors
from tokens.audit import trail
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.limits.password_slots import Busy
from tokens.limits.rate_limit import NotCounted, TooMany
from tokens.login import folded
from tokens.rate_settings import Rate
from tokens.views.pages import HEADERS, same_page

View = Callable[..., HttpResponseBase]


class Attempts(Enum):
    """The attempts that exceeded a rate limit, as the page names them."""

    LOGIN = "login"
    FACTOR = "factor"
    MAIL = "mail"


BY_DAY = 10
"""How many times the limit of a factor applies within a day."""
NOBODY = "user:unknown"
BY_ADDRESS = 10
"""How many times the limit of one name applies to all names from one address: attackers vary names, too."""


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
                return _uncounted(request)
            except Busy as error:
                return _busy(request, error)

        return answer

    return decorate


def limited_factor(user_of: Callable[[HttpRequest], str]) -> Callable[[View], View]:
    """Limit how often a user can try a second factor, from all addresses together.

    `user_of` returns the primary key of the user, or "" if there is none. Beyond the limit, answers as `limited_login`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if request.method == "POST" and (user := user_of(request)):
                try:
                    _count_factor(request, user)
                except TooMany as error:
                    return please_wait(request, 429, error.retry_after, after=Attempts.FACTOR)
                except NotCounted:
                    return _uncounted(request)
            try:
                return view(request, *args, **kwargs)
            except Busy as error:
                return _busy(request, error)

        return answer

    return decorate


def limited_mail(field: str) -> Callable[[View], View]:
    """Limit how often mail is sent to the address in `field` of the form, and how often an address asks for mail.

    Beyond a limit, answers as `limited_login`, whether the address has an account or not.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if request.method == "POST":
                rate, now = conf.issuer().rate_limits["mail"], keyring.estimated_clock(now=timezone.now())
                try:
                    count(request, "mails", (), Rate(rate.number * BY_ADDRESS, rate.seconds), subject=NOBODY)
                    rate_limit.count("mail", (folded(request.POST.get(field, "")),), rate, now=now)
                except TooMany as error:
                    return please_wait(request, 429, error.retry_after, after=Attempts.MAIL)
                except NotCounted:
                    return _uncounted(request)
            return view(request, *args, **kwargs)

        return answer

    return decorate


def _count_factor(request: HttpRequest, user: str) -> None:
    """Count one attempt of the user, in a short window and in a day. Raises TooMany and NotCounted."""
    # An attacker who knows the password could try a million codes from a million addresses: the user is counted. The
    # day bounds an attacker who waits for each window.
    rate = conf.issuer().rate_limits["factor"]
    for limit, bound in (("factor", rate), ("factor-day", Rate(rate.number * BY_DAY, 86_400))):
        now = keyring.estimated_clock(now=timezone.now())
        try:
            rate_limit.count(limit, (user,), bound, now=now)
        except TooMany as error:
            log(error, limit, rate_limit.address(request), subject=NOBODY, now=now)
            raise


def count(request: HttpRequest, limit: str, names: Sequence[str], rate: Rate, *, subject: str) -> None:
    """Count one attempt under `names` and the sender's address. Raises TooMany if over the limit, and NotCounted."""
    now, address = keyring.estimated_clock(now=timezone.now()), rate_limit.address(request)
    try:
        rate_limit.count(limit, (*names, address), rate, now=now)
    except TooMany as error:
        log(error, limit, address, subject=subject, now=now)
        raise


def log(error: TooMany, limit: str, address: str, *, subject: str, now: datetime) -> None:
    """Log the first attempt of a window that is over the limit. A flood must not fill the log as well."""
    if error.first:
        details = {"what": limit, "address": address}
        trail.log("request.limited", actor="issuer", subject=subject, details=details, now=now)


def _count_login(request: HttpRequest, name: str) -> None:
    """Count one attempt to log in, by address and by name. Raises TooMany and NotCounted."""
    # The address first: over its limit, no counters of names are made. The typed name stays out of the log.
    rate = conf.issuer().rate_limits["login"]
    count(request, "logins", (), Rate(rate.number * BY_ADDRESS, rate.seconds), subject=NOBODY)
    count(request, "login", (folded(name),), rate, subject=NOBODY)


def _uncounted(request: HttpRequest) -> HttpResponse:
    page = please_wait(request, 503, 5)
    return errors.because(page, "logins cannot be counted: the shared cache does not answer")


def _busy(request: HttpRequest, error: Busy) -> HttpResponse:
    page = please_wait(request, 503, error.retry_after, busy=True)
    return errors.because(page, "too many passwords are being hashed at once")


def please_wait(
    request: HttpRequest, status: int, retry_after: int, *, busy: bool = False, after: Attempts = Attempts.LOGIN
) -> HttpResponse:
    """Return a page that says to try again after `retry_after` seconds, with a link back to the same page.

    429 after too many attempts; 503 if nothing can be counted, or too many passwords are being hashed (`busy`).
    """
    context = {
        "retry_after": retry_after,
        "status": status,
        "busy": busy,
        "after": after.value,
        "again": same_page(request),
    }
    response = render(request, "account/too_many.html", context, status=status)
    for name, value in (HEADERS | {"Retry-After": str(retry_after)}).items():
        response.headers[name] = value
    return response
