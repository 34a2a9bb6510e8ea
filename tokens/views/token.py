"""/oauth/token: trades a grant for tokens (RFC 6749 section 3.2)."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from tokens import errors
from tokens.keys.errors import NotReady
from tokens.oauth.backend import backend
from tokens.views.bodies import form_only
from tokens.views.cors import cors
from tokens.views.limits import limited
from tokens.views.refusals import refuse

REFUSED = "token.refused"


@csrf_exempt
@cors("POST")
@form_only(REFUSED)
@limited("token")
@sensitive_post_parameters()
def token(request: HttpRequest) -> HttpResponse:
    """The token response or RFC 6749's error; never cached, and never a 500 for anything that a client sends."""
    try:
        return errors.answer(backend().token(request, now=timezone.now()))
    except OAuth2Error as error:
        return refuse(request, error, REFUSED)
    except NotReady as error:
        return errors.unavailable(error.retry_after)
