"""/oauth/userinfo: returns claims about the user of an access token (OpenID Connect Core section 5.3).

The token is a bearer token (RFC 6750), or bound to a key and sent with a DPoP proof of that key (RFC 9449 section 7).
"""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from tokens import conf, errors
from tokens import userinfo as core
from tokens.dpop import verifier
from tokens.keys import keyring
from tokens.userinfo import Presentation, TokenRefused
from tokens.views.bodies import form_or_none
from tokens.views.cors import cors
from tokens.views.refusals import answered

REFUSED = "userinfo.refused"
TOKEN = "access_token"  # noqa: S105 (the name of RFC 6750's parameter)
SCHEMES = {"bearer": "Bearer", "dpop": "DPoP"}
"""The authentication schemes for access tokens, by name in lower case: case is ignored (RFC 9110 section 11.1)."""


@csrf_exempt
@cors("GET", "POST")
@form_or_none(TokenRefused, REFUSED)
@answered(REFUSED, is_read=True)
def userinfo(request: HttpRequest) -> HttpResponse:
    """Return the claims, or `WWW-Authenticate` challenges if the token is missing or invalid (RFC 6750 section 3)."""
    presented = _presented(request)
    if presented is None:
        # The challenge has no error code if the request has no authentication information (section 3.1).
        return HttpResponse(status=401, headers={**errors.NO_STORE, "WWW-Authenticate": core.challenges()})
    now = keyring.clock(now=timezone.now())
    claims = core.userinfo(presented, now=now)
    return errors.answer(claims, headers=verifier.headers(now=now) if presented.scheme == "DPoP" else {})


def _presented(request: HttpRequest) -> Presentation | None:
    """Return the access token of the request with its authentication scheme, or None if there is no token.

    Raises TokenRefused if a token is in the query, or if there are several tokens. Also raises TokenRefused if a token
    is in the body, unless the setting `userinfo_token_in_body` is on.
    """
    # RFC 6750 also permits the token in the query. Addresses are logged, so a token is never accepted there. A token in
    # the body is accepted only if a setting is on, because proxies and error reports can log a body.
    bodies = request.POST.getlist(TOKEN)
    if TOKEN in request.GET or (bodies and not conf.issuer().userinfo_token_in_body):
        raise TokenRefused("invalid_request", "Send the token in the Authorization header only.")
    name, _, token = request.headers.get("Authorization", "").partition(" ")
    scheme = SCHEMES.get(name.lower())
    if len(bodies) + bool(scheme) > 1:
        raise TokenRefused("invalid_request", "Send the token once, in the header or in the body.")
    method = request.method or ""
    if scheme is not None:
        proof = request.headers.get("DPoP")
        return Presentation(token=token.strip(" "), method=method, scheme=scheme, proof=proof)
    return Presentation(token=bodies[0], method=method) if bodies else None
