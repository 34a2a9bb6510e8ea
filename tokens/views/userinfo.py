"""/oauth/userinfo: claims about the user of an access token (OpenID Connect Core section 5.3)."""

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
    """Return the claims, or a challenge if the token is missing or invalid (RFC 6750 section 3)."""
    # RFC 6750 permits the token in a form or an address as well. Addresses are logged, so neither is accepted here.
    if TOKEN in request.GET or TOKEN in request.POST:
        error = TokenRefused("invalid_request", "Send the token in the Authorization header only.")
        return refuse(request, error, REFUSED)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        # No error code if the request has no authentication information (section 3.1).
        return HttpResponse(status=401, headers={**errors.NO_STORE, **CHALLENGE})
    try:
        return errors.answer(core.userinfo(token.strip(" "), now=keyring.clock(now=timezone.now())))
    except TokenRefused as error:
        return refuse(request, error, REFUSED)
    except NotReady as error:
        return errors.unavailable(error.retry_after, reason=str(error))
