"""/oauth/device issues codes to a device (RFC 8628 section 3.1). /oauth/device/verify is the page for the user (3.3).

On that page the user types the user code, and allows or refuses the device's request. A browser that opens
/oauth/device is redirected to that page, because users shorten the address that the device displays.
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
from tokens.audit import trail
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
from tokens.limits import rate_limit
from tokens.limits.cache_circuit import NotCounted
from tokens.limits.rate_limit import TooMany
from tokens.models import DeviceCode
from tokens.views import step_up
from tokens.views.authorization_answer import see_other
from tokens.views.endpoint import endpoint
from tokens.views.limits import count
from tokens.views.not_ready import page_if_not_ready
from tokens.views.pages import HEADERS, log_in_first, private, user_of

UNKNOWN = gettext_lazy(
    "No device is waiting for this code. Check the screen of the device: the code might have expired."
)
NO_MEMBER = gettext_lazy("The user is in no group that may have the requested scopes.")  # `membership.NO_MEMBER`
INCOMPLETE = gettext_lazy("A code has eight letters, such as WDJB-MJHT. Check the screen of the device again.")
REFUSED = "device.request_refused"
"""The audit event of a refused request: a device's own request, or the form of a user who cannot allow it."""
LONGEST_CODE = 32
"""The most characters of a typed code that are preserved during a login."""


@endpoint(rate="device", refused=REFUSED, accepts=device_authorization.PARAMETERS)
def _issue(_http: HttpRequest, request: ClientRequest) -> dict[str, object]:
    """Return a device code and a user code (RFC 8628 section 3.2).

    Raises OAuthError if the request is refused, and NotReady if KEY_ENCRYPTION_KEYS cannot be read.
    """
    return device_authorization.begin(request, device_authorization.client_of(request))


@wraps(_issue)
def device(request: HttpRequest) -> HttpResponseBase:
    """Return a device code and a user code (RFC 8628 section 3.2).

    A browser is redirected to /oauth/device/verify instead, the page on which the user types the user code.
    """
    if request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("Accept", ""):
        query = urlencode({"user_code": _typed(request)}) if _typed(request) else ""
        location = f"{reverse('device_verify')}{'?' if query else ''}{query}"
        return HttpResponse(status=302, headers={**HEADERS, "Location": location})
    return _issue(request)


@private
@page_if_not_ready
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponseBase:
    """Serve the page on which the user types the user code, and allows or refuses the device's request."""
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
        return _respond(request, code, login, now=now)
    except OAuthError as error:
        return _refuse(request, code, error, now=now)
    except SessionEnded:
        return log_in_first(
            f"{request.path}?{urlencode({'user_code': device_authorization.formatted(request.POST['user_code'])})}"
        )


def _back(request: HttpRequest) -> str:
    """Return the address of the page `verify`, with the typed user code in the query."""
    return f"{request.path}?{urlencode({'user_code': _typed(request)})}"


def _typed(request: HttpRequest) -> str:
    """Return the user code from the form or from the query, or "" if neither has one.

    The query preserves the code during a login.
    """
    return (request.POST.get("user_code") or request.GET.get("user_code", ""))[:LONGEST_CODE]


def _respond(request: HttpRequest, code: DeviceCode, login: Login, *, now: datetime) -> HttpResponse:
    """Show the device's request, or record the user's answer to it.

    The answer is recorded only if the form proves that this request was displayed to this user. If a stronger login is
    required for the user or the client, redirects to the page that asks for the missing factor. Raises OAuthError if
    the user cannot allow the request, and SessionEnded if the session has ended.
    """
    target = device_answer.target_for(code, user_of(request))
    required = obligation.of(user_of(request), code.client)
    if not satisfies(login.acr, required):
        return see_other(step_up.address(required, _back(request)))
    if not device_answer.was_displayed(request.POST.get("shown", ""), code, user_of(request), target, now=now):
        return _ask(request, code, target, now=now)
    return _answer(request, code, target, login, now=now)


def _refuse(request: HttpRequest, code: DeviceCode, error: OAuthError, *, now: datetime) -> HttpResponse:
    """Return the page for a request that the user cannot allow, and log the reason."""
    details = {"error": error.error, "reason": error.reason, "address": rate_limit.address(request)}
    actor, subject = f"user:{request.user.get_username()}", f"client:{code.client.client_id}"
    trail.log(REFUSED, actor=actor, subject=subject, details=details, now=now)
    # If the user is in the groups of the scopes, the client lost the API or a scope after the device's request, or the
    # user was disabled. Then the page says that the code is unknown.
    is_outside = isinstance(error, membership.NotMember)
    return _page(request, {"error": NO_MEMBER if is_outside else UNKNOWN}, status=400)


def _answer(request: HttpRequest, code: DeviceCode, target: Target, login: Login, *, now: datetime) -> HttpResponse:
    is_allowed = request.POST.get("allow") == "true"
    if not device_answer.answer(code, user_of(request), target, login if is_allowed else None, now=now):
        return _page(request, {"error": UNKNOWN, "typed": _typed(request)}, status=400)
    return _page(request, {"done": "allowed" if is_allowed else "refused", "client": code.client})


def _ask(request: HttpRequest, code: DeviceCode, target: Target, *, now: datetime) -> HttpResponse:
    """Return the page on which the user allows or refuses the request of a device.

    The form contains the signed proof that these scopes were displayed to this user.
    """
    context: dict[str, object] = {
        "client": code.client,
        "self_registered": consent_text.self_registered(code.client),
        "api": target.api,
        "scopes": consent_text.describe_scopes(target.scopes),
        "typed": device_authorization.formatted(request.POST.get("user_code", "")),
        "shown": device_answer.seal(code, user_of(request), target, now=now),
    }
    return _page(request, context)


def _count(request: HttpRequest) -> HttpResponse | None:
    """Count one guess of a user code by the logged-in user.

    Returns the error page if there were too many guesses, or if guesses cannot be counted, else None.
    """
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
