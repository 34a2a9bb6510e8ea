"""/oauth/userinfo: who the user of a token is (OpenID Connect Core section 5.3)."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from tokens import errors
from tokens import userinfo as core
from tokens.keys import keyring
from tokens.keys.errors import NotReady
from tokens.userinfo import REALM, TokenRefused
from tokens.views.bodies import form_or_none
from tokens.views.cors import cors
from tokens.views.refusals import refuse

REFUSED = "userinfo.refused"
TOKEN = "access_token"  # noqa: S105 (the name of RFC 6750's parameter)
CHALLENGE = {"WWW-Authenticate": f'Bearer realm="{REALM}"'}


@csrf_exempt
@cors("GET", "POST")
@form_or_none(TokenRefused, REFUSED)
def userinfo(request: HttpRequest) -> HttpResponse:
    """The claims, or RFC 6750's challenge. The token is read from the Authorization header, and refused elsewhere."""
    if TOKEN in request.GET or TOKEN in request.POST:
        error = TokenRefused("invalid_request", "Send the token in the Authorization header alone.")
        return refuse(request, error, REFUSED)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return HttpResponse(status=401, headers={**errors.NO_STORE, **CHALLENGE})
    try:
        return errors.answer(core.userinfo(token.strip(" "), now=keyring.clock(now=timezone.now())))
    except TokenRefused as error:
        return refuse(request, error, REFUSED)
    except NotReady as error:
        return errors.unavailable(error.retry_after, reason=str(error))
