"""/oauth/revoke: a client takes back a token (RFC 7009)."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from tokens import errors
from tokens.errors import OAuthError
from tokens.keys.errors import NotReady
from tokens.oauth import revocation
from tokens.oauth.backend import backend
from tokens.views.bodies import form_only
from tokens.views.cors import cors
from tokens.views.limits import limited
from tokens.views.refusals import refuse

REFUSED = "revocation.refused"


@csrf_exempt
@cors("POST")
@form_only(REFUSED)
@limited("token")
@sensitive_post_parameters()
def revoke(request: HttpRequest) -> HttpResponse:
    """200 with an empty body, or RFC 6749's error."""
    now = timezone.now()
    try:
        client, form = backend().client(request, revocation.PARAMETERS, now=now)
        if "token" not in form:
            raise OAuthError("invalid_request", "Missing token parameter.")
        revocation.revoke(form["token"], client, now=now)
    except OAuth2Error as error:
        return refuse(request, error, REFUSED)
    except NotReady as error:
        return errors.unavailable(error.retry_after)
    return HttpResponse(headers=errors.NO_STORE)
