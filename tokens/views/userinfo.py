"""/oauth/userinfo: claims about the user of an access token (OpenID Connect Core section 5.3)."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from tokens import conf, errors
from tokens import userinfo as core
from tokens.keys import keyring
from tokens.userinfo import REALM, TokenRefused
from tokens.views.bodies import form_or_none
from tokens.views.cors import cors
from tokens.views.refusals import answered

REFUSED = "userinfo.refused"
TOKEN = "access_token"  # noqa: S105 (the name of RFC 6750's parameter)
CHALLENGE = {"WWW-Authenticate": f'Bearer realm="{REALM}"'}


@csrf_exempt
@cors("GET", "POST")
@form_or_none(TokenRefused, REFUSED)
@answered(REFUSED, is_read=True)
def userinfo(request: HttpRequest) -> HttpResponse:
    """Return the claims, or a challenge if the token is missing or invalid (RFC 6750 section 3)."""
    token = _token(request)
    if token is None:
        # No error code if the request has no authentication information (section 3.1).
        return HttpResponse(status=401, headers={**errors.NO_STORE, **CHALLENGE})
    return errors.answer(core.userinfo(token, now=keyring.clock(now=timezone.now())))


def _token(request: HttpRequest) -> str | None:
    """Return the token of the request, or None. Raises TokenRefused if it is in a place that is not accepted."""
    # RFC 6750 permits the token in an address as well. Addresses are logged, so it is never accepted there. A body is
    # accepted by a switch, because proxies and error reports can log it.
    bodies = request.POST.getlist(TOKEN)
    if TOKEN in request.GET or (bodies and not conf.issuer().userinfo_token_in_body):
        raise TokenRefused("invalid_request", "Send the token in the Authorization header only.")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    in_header = scheme.lower() == "bearer"
    if len(bodies) + in_header > 1:
        raise TokenRefused("invalid_request", "Send the token once, in the header or in the body.")
    if in_header:
        return token.strip(" ")
    return bodies[0] if bodies else None
