"""/oauth/device issues codes to a device (RFC 8628 section 3.1); /oauth/device/verify asks its user (section 3.3).

A browser that opens /oauth/device gets the user's page: users shorten the address that their device shows.
"""

from datetime import datetime
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from tokens import conf, errors
from tokens.authentication_class import satisfies
from tokens.authorize import consent_text, login_session
from tokens.errors import OAuthError
from tokens.factors import obligation
from tokens.grants import device_answer, device_authorization
from tokens.grants.request import ClientRequest
from tokens.issued import membership
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.issued.user_grant import SessionEnded
from tokens.keys import keyring
from tokens.limits.rate_limit import NotCounted, TooMany
from tokens.models import DeviceCode, User
from tokens.views import step_up
from tokens.views.authorization_answer import see_other
from tokens.views.endpoint import endpoint
from tokens.views.limits import count
from tokens.views.not_ready import page_if_not_ready
from tokens.views.pages import HEADERS, log_in_first, private

UNKNOWN = gettext_lazy("No device is waiting for this code. Check the screen of the device: the code may have expired.")
NO_MEMBER = gettext_lazy("The user is in no group that may have the requested scopes.")
INCOMPLETE = gettext_lazy("A code has eight letters, such as WDJB-MJHT. Check the screen of the device again.")
LONGEST_CODE = 32
"""Characters of a typed code that a login in between preserves."""


@endpoint(rate="device", refused="device.request_refused", accepts=device_authorization.PARAMETERS)
def _issue(_http: HttpRequest, request: ClientRequest) -> dict[str, object]:
    """Return a device code and a user code (section 3.2). Raises OAuthError if the request is refused, and NotReady."""
    return device_authorization.begin(request, device_authorization.client_of(request))


@wraps(_issue)
def device(request: HttpRequest) -> HttpResponseBase:
    """Issue codes to a device; redirect a browser that opens the address to the page for its user."""
    if request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("Accept", ""):
        query = urlencode({"user_code": _typed(request)}) if _typed(request) else ""
        location = f"{reverse('device_verify')}{'?' if query else ''}{query}"
        return HttpResponse(status=302, headers={**HEADERS, "Location": location})
    return _issue(request)


@private
@page_if_not_ready
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponseBase:
    """Serve the page where the user types the code, sees the request, and answers. Following a link answers nothing."""
    login = login_session.current(request)
    if login is None:
        return log_in_first(_back(request))
    if request.method != "POST":
        return _page(request, {"typed": _typed(request)})
    if (refusal := _count(request)) is not None:
        return refusal
    now = keyring.clock(now=timezone.now())
    if not device_authorization.is_complete(request.POST.get("user_code", "")):
        return _page(request, {"error": INCOMPLETE, "typed": _typed(request)}, status=400)
    code = device_answer.waiting(request.POST.get("user_code", ""), now=now)
    if code is None:
        return _page(request, {"error": UNKNOWN, "typed": _typed(request)}, status=400)
    try:
        target = device_answer.target_for(code, _user(request))
    except OAuthError as error:
        no_member = error.description == membership.NO_MEMBER
        return _page(request, {"error": NO_MEMBER if no_member else UNKNOWN}, status=400)
    required = obligation.of(_user(request), code.client)
    if not satisfies(login.acr, required):
        return see_other(step_up.address(required, _back(request)))
    if not device_answer.was_displayed(request.POST.get("shown", ""), code, _user(request), target, now=now):
        return _ask(request, code, target, now=now)
    try:
        return _answer(request, code, target, login, now=now)
    except SessionEnded:
        return log_in_first(
            f"{request.path}?{urlencode({'user_code': device_authorization.formatted(request.POST['user_code'])})}"
        )


def _back(request: HttpRequest) -> str:
    """Return the address of this page with the code that the user typed."""
    return f"{request.path}?{urlencode({'user_code': _typed(request)})}"


def _typed(request: HttpRequest) -> str:
    """Return the code that the user typed, or that the address carried. It survives a login in between."""
    return (request.POST.get("user_code") or request.GET.get("user_code", ""))[:LONGEST_CODE]


def _answer(request: HttpRequest, code: DeviceCode, target: Target, login: Login, *, now: datetime) -> HttpResponse:
    is_allowed = request.POST.get("allow") == "true"
    if not device_answer.answer(code, _user(request), target, login if is_allowed else None, now=now):
        return _page(request, {"error": UNKNOWN, "typed": _typed(request)}, status=400)
    return _page(request, {"done": "allowed" if is_allowed else "refused", "client": code.client})


def _ask(request: HttpRequest, code: DeviceCode, target: Target, *, now: datetime) -> HttpResponse:
    context: dict[str, object] = {
        "client": code.client,
        "stranger": consent_text.stranger(code.client),
        "api": target.api,
        "scopes": consent_text.describe_scopes(target.scopes),
        "typed": device_authorization.formatted(request.POST.get("user_code", "")),
        "shown": device_answer.seal(code, _user(request), target, now=now),
    }
    return _page(request, context)


def _user(request: HttpRequest) -> User:
    assert request.user.is_authenticated  # noqa: S101 (login_session.current knows no other)
    return request.user


def _count(request: HttpRequest) -> HttpResponse | None:
    """Count the code as a guess of this user. Returns the page that refuses it, or None."""
    subject = f"user:{request.user.get_username()}"
    try:
        count(request, "device-code", (str(request.user.pk),), conf.issuer().rate_limits["device"], subject=subject)
    except TooMany as error:
        text = ngettext(
            "Too many codes were tried. Wait %(number)d second.",
            "Too many codes were tried. Wait %(number)d seconds.",
            error.retry_after,
        )
        answer = _page(request, {"error": text % {"number": error.retry_after}}, status=429)
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    except NotCounted:
        page = _page(request, {"error": _("Codes cannot be checked at the moment. Try again soon.")}, status=503)
        return errors.because(page, "guesses of device codes cannot be counted: the shared cache does not answer")
    return None


def _page(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    return render(request, "tokens/device.html", context, status=status)
