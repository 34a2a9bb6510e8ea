"""Leads a browser from an authorization request to a login, and back to the request.

- The browser is redirected to the login page, or to the page that asks for a missing factor (`step_up`).
- The request is stored in a row before the redirect. After the login, the page redirects to a URL with a handle, a
  short text that stands for the stored request (`request_store`).
- The number of stored requests is limited for each network address.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tokens import conf
from tokens.authorize import reauthentication
from tokens.authorize.request_row import KeptRequest
from tokens.limits.cache_circuit import NotCounted
from tokens.limits.rate_limit import TooMany
from tokens.views import request_store, step_up
from tokens.views.authorization_answer import Attempt, clock, redirect
from tokens.views.limits import UNKNOWN_USER, Attempts, count, please_wait
from tokens.views.pages import login_address
from tokens.views.request_store import SentRequest


def to_login(request: HttpRequest, sent: SentRequest) -> HttpResponse:
    """Store the request, and redirect to the login page, which leads back to the request."""
    return _to_page(request, sent, login_address)


def to_step_up(attempt: Attempt, needed: str) -> HttpResponse:
    """Store the request, and redirect to the page that asks for a stronger login and then leads back to the request.

    `needed` is the authentication context class that the login must reach, such as `phr`.
    """
    return _to_page(attempt.http, attempt.sent, lambda back: step_up.address(needed, back))


def _to_page(request: HttpRequest, sent: SentRequest, address: Callable[[str], str]) -> HttpResponse:
    """Store the request if it is not stored yet, and redirect to `address(back)`.

    `back` is the address that opens the stored request. Returns 429 if too many requests were stored for the sender's
    network address.
    """
    if sent.is_stored:
        return redirect(request, address(sent.address))
    if (refusal := too_many_rows(request)) is not None:
        return refusal
    now = clock()
    query = reauthentication.add_mark(sent.query, now=now)
    stored = request_store.store(KeptRequest(query), request_store.new_handle(now=now))
    return stored.attach(request, redirect(request, address(stored.address(request.path))))


def too_many_rows(request: HttpRequest) -> HttpResponse | None:
    """Count a request that will be stored.

    Returns 429 if too many requests were stored for the sender's network address. Otherwise, or if the cache does not
    answer, returns None.
    """
    # Each stored request is a row for two hours, so their number is limited. If the cache of the counters fails, the
    # request still reaches the login page, which has a limit of its own.
    try:
        count(request, "authorize", (), conf.issuer().rate_limits["authorize"], subject=UNKNOWN_USER)
    except TooMany as error:
        return please_wait(request, 429, error.retry_after, after=Attempts.REQUEST)
    except NotCounted:
        pass
    return None
