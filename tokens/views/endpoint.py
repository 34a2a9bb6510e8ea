"""What the endpoints that clients call have in common: one form in, JSON out, and every refusal in the log."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from tokens import errors
from tokens.keys.errors import NotReady
from tokens.views.bodies import form_only
from tokens.views.limits import limited
from tokens.views.refusals import refuse

View = Callable[[HttpRequest], HttpResponse]


def endpoint(*, rate: str, refused: str) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """An endpoint that takes a form by POST, as often as `rate` lets one client at one address.

    What its view raises is answered as RFC 6749 section 5.2 writes it, and logged as `refused`; where no key may sign,
    503. No form's content is in any report of an error.
    """

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def answer(request: HttpRequest) -> HttpResponse:
            try:
                return view(request)
            except OAuth2Error as error:
                return refuse(request, error, refused)
            except NotReady as error:
                return errors.unavailable(error.retry_after, reason=str(error))

        return csrf_exempt(form_only(refused)(limited(rate)(sensitive_post_parameters()(answer))))

    return decorate
