"""What the endpoints that clients call have in common: one form in, JSON out, and every refusal in the log."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from tokens import errors
from tokens.keys import keyring
from tokens.keys.errors import NotReady
from tokens.views import second_try
from tokens.views.bodies import form_only
from tokens.views.limits import limited
from tokens.views.refusals import refuse
from tokens.views.second_try import FirstRefusal

View = Callable[[HttpRequest], HttpResponse]


def endpoint(*, rate: str, refused: str) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """An endpoint that takes a form by POST, as often as `rate` lets one client at one address.

    What its view raises is answered as RFC 6749 section 5.2 writes it, and logged as `refused`; where no key may sign,
    503. A client that repeats a refused request with its secret in another place is counted and logged once. No form's
    content is in any report of an error.
    """

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        @sensitive_post_parameters()
        def answer(request: HttpRequest, first: FirstRefusal | None = None) -> HttpResponse:
            try:
                return view(request)
            except OAuth2Error as error:
                return _refuse(request, error, refused, first)
            except NotReady as error:
                return errors.unavailable(error.retry_after, reason=str(error))

        counted = limited(rate)(answer)

        @wraps(view)
        def dispatch(request: HttpRequest) -> HttpResponseBase:
            first = second_try.first(request, refused, now=_now())
            if first is None:
                return counted(request)
            return first.answer() if first.is_final else answer(request, first)

        return csrf_exempt(form_only(refused)(dispatch))

    return decorate


def _refuse(request: HttpRequest, error: OAuth2Error, action: str, first: FirstRefusal | None) -> HttpResponse:
    """Answer and log a refusal. `first` is the refusal whose second try the request is."""
    if first is not None and first.says(error):
        return errors.refusal(error)
    second_try.remember(request, error, action, now=_now())
    return refuse(request, error, action)


def _now() -> datetime:
    return keyring.estimated_clock(now=timezone.now())
