"""Applies rate limits to pages: answers 429 if a user tries too often. `endpoint` counts requests of clients."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import ngettext

from tokens import conf, errors
from tokens.audit import trail
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.limits.cache_circuit import NotCounted
from tokens.limits.password_slots import Busy
from tokens.limits.rate_limit import TooMany
from tokens.login import folded
from tokens.models import User
from tokens.settings.rate import Rate
from tokens.views.pages import HEADERS, View, same_page


class Attempts(Enum):
    """The kinds of attempts that have a rate limit. The template of the 429 page has a text for each kind."""

    LOGIN = "login"
    FACTOR = "factor"
    MAIL = "mail"
    REQUEST = "request"


BY_DAY = 10
"""The limit for second factors within a day, as a multiple of the rate limit `factor`."""
LONGEST_IN_SECONDS = 120
"""The longest wait that pages show in seconds. A longer wait is shown in minutes."""
UNKNOWN_USER = "user:unknown"
BY_ADDRESS = 10
"""The limit for all names from one network address, as a multiple of the limit for one name. Attackers vary names."""


def limited_login(field: str) -> Callable[[View], View]:
    """Return a decorator that limits how often the name in the form's `field` can be tried from a network address.

    Another limit is for all names from one address. Beyond a limit, the view answers with a page and 429. If attempts
    cannot be counted, or too many passwords are being hashed, it answers with a page and 503.
    """
    return _limited(lambda request: _count_login(request, request.POST.get(field, "")), Attempts.LOGIN)


def limited_factor(user_of: Callable[[HttpRequest], User | None]) -> Callable[[View], View]:
    """Return a decorator that limits how often a user can try a second factor, from all addresses together.

    `user_of` returns the user. If it returns None, the attempt is not counted. Beyond a limit, the view answers with a
    page and 429. If attempts cannot be counted, or too many passwords are being hashed, it answers with a page and 503.
    """
    return _limited(lambda request: _count_factor(request, user_of(request)), Attempts.FACTOR)


def limited_mail(field: str) -> Callable[[View], View]:
    """Return a decorator that limits how often a form can request mail.

    One limit is for the e-mail address in the form's `field`, another for the sender's network address. Beyond a limit,
    the view answers with a page and 429. If attempts cannot be counted, it answers with a page and 503. The answer does
    not depend on whether the e-mail address has an account.
    """
    return _limited(lambda request: _count_mail(request, request.POST.get(field, "")), Attempts.MAIL)


def busy_page(view: View) -> View:
    """Return a view that answers with a page and 503 if too many passwords are being hashed. Counts no attempts."""
    return _limited(lambda _: None, Attempts.FACTOR)(view)


def _limited(count_attempt: Callable[[HttpRequest], None], kind: Attempts) -> Callable[[View], View]:
    """Return a decorator that calls `count_attempt` before each POST.

    If `count_attempt` or the view raises TooMany, NotCounted or Busy, the decorated view answers with a page. `kind`
    selects the text of the page.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            try:
                if request.method == "POST":
                    count_attempt(request)
                return view(request, *args, **kwargs)
            except TooMany as error:
                return please_wait(request, 429, error.retry_after, after=kind)
            except NotCounted:
                return _uncounted(request, kind)
            except Busy as error:
                return _busy(request, error, kind)

        return answer

    return decorate


def _count_login(request: HttpRequest, name: str) -> None:
    """Count one attempt to log in, by network address and by name.

    Raises TooMany if a limit is exceeded, and NotCounted if the shared cache does not answer.
    """
    # The address is counted first. Beyond its limit, no counters of names are created. The typed name is not logged.
    rate = conf.issuer().rate_limits["login"]
    count(request, "logins", (), Rate(rate.number * BY_ADDRESS, rate.seconds), subject=UNKNOWN_USER)
    count(request, "login", (folded(name),), rate, subject=UNKNOWN_USER)


def _count_factor(request: HttpRequest, user: User | None) -> None:
    """Count one attempt at a second factor against two limits: one for a short window, one for a day.

    If `user` is None, nothing is counted. Raises TooMany if a limit is exceeded, and NotCounted if the shared cache
    does not answer.
    """
    if user is None:
        return
    # Attempts are counted by user, because an attacker who knows the password could try codes from many addresses. The
    # limit for the day bounds an attacker who waits for each window.
    rate = conf.issuer().rate_limits["factor"]
    caller, subject = (str(user.pk),), f"user:{user.get_username()}"
    _count_caller(request, "factor", caller, rate, subject=subject)
    _count_caller(request, "factor-day", caller, Rate(rate.number * BY_DAY, 86_400), subject=subject)


def _count_mail(request: HttpRequest, email: str) -> None:
    """Count one request for mail, by network address and by e-mail address.

    Raises TooMany if a limit is exceeded, and NotCounted if the shared cache does not answer.
    """
    # In the order of `_count_login`, for the same reason. The typed e-mail address is not logged.
    rate = conf.issuer().rate_limits["mail"]
    count(request, "mails", (), Rate(rate.number * BY_ADDRESS, rate.seconds), subject=UNKNOWN_USER)
    _count_caller(request, "mail", (folded(email),), rate, subject=UNKNOWN_USER)


def count(request: HttpRequest, limit: str, names: Sequence[str], rate: Rate, *, subject: str) -> None:
    """Count one attempt from the sender's network address against the rate limit named `limit`.

    `names` identify the account that is tried, such as the typed username. Each combination of address and `names` has
    a counter of its own. If `names` is empty, each address has one counter. `subject` is for the audit log. Raises
    TooMany if more than `rate` attempts were counted, and NotCounted if the shared cache does not answer.
    """
    _count_caller(request, limit, (*names, rate_limit.address(request)), rate, subject=subject)


def _count_caller(request: HttpRequest, limit: str, caller: Sequence[str], rate: Rate, *, subject: str) -> None:
    """Count one attempt of `caller` against the rate limit named `limit`, and log the first attempt over the limit.

    `caller` is a combination of values that has one counter, for example (username, network address). Raises TooMany
    and NotCounted as `count` does.
    """
    now = keyring.estimated_clock(now=timezone.now())
    try:
        rate_limit.count(limit, caller, rate, now=now)
    except TooMany as error:
        log(error, limit, rate_limit.address(request), subject=subject, now=now)
        raise


def log(error: TooMany, limit: str, address: str, *, subject: str, now: datetime) -> None:
    """Log an attempt over the limit if it is the first in its window.

    `limit` is the name of the rate limit, `address` the sender's network address, and `subject` the subject of
    the log entry.
    """
    if error.first:  # a flood must not fill the log
        details = {"what": limit, "address": address}
        trail.log("request.limited", actor="issuer", subject=subject, details=details, now=now)


def _uncounted(request: HttpRequest, kind: Attempts) -> HttpResponse:
    page = please_wait(request, 503, 5, after=kind)
    return errors.because(page, f"attempts ({kind.value}) cannot be counted: the shared cache does not answer")


def _busy(request: HttpRequest, error: Busy, kind: Attempts) -> HttpResponse:
    page = please_wait(request, 503, error.retry_after, busy=True, after=kind)
    return errors.because(page, "too many passwords are being hashed at once")


def _in_words(seconds: int) -> str:
    """Return the time in words: seconds up to LONGEST_IN_SECONDS, else minutes, rounded up."""
    if seconds <= LONGEST_IN_SECONDS:
        return ngettext("%(number)d second", "%(number)d seconds", seconds) % {"number": seconds}
    minutes = -(-seconds // 60)  # rounded up
    return ngettext("%(number)d minute", "%(number)d minutes", minutes) % {"number": minutes}


def please_wait(
    request: HttpRequest, status: int, retry_after: int, *, after: Attempts, busy: bool = False
) -> HttpResponse:
    """Return a page that says to try again after `retry_after` seconds, with a link to open the form again.

    `status` is 429 after too many attempts, and 503 if attempts cannot be counted or too many passwords are being
    hashed. `busy` is True if too many passwords are being hashed. `after` is the kind of attempts.
    """
    context = {
        "wait": _in_words(retry_after),
        "status": status,
        "busy": busy,
        "after": after.value,
        "again": same_page(request),
    }
    response = render(request, "account/too_many.html", context, status=status)
    for name, value in (HEADERS | {"Retry-After": str(retry_after)}).items():
        response.headers[name] = value
    return response
