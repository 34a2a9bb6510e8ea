"""/oauth/revoke: a client takes back a token (RFC 7009)."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tokens import errors
from tokens.authorize.backend import backend
from tokens.errors import OAuthError
from tokens.keys import keyring
from tokens.revoking import revocation
from tokens.views.cors import cors
from tokens.views.endpoint import endpoint


@cors("POST")
@endpoint(rate="token", refused="revocation.refused")
def revoke(request: HttpRequest) -> HttpResponse:
    """200 with an empty body, or RFC 6749's error."""
    now = keyring.clock(now=timezone.now())
    client, form = backend().client(request, revocation.PARAMETERS, now=now)
    if "token" not in form:
        raise OAuthError("invalid_request", "Missing token parameter.")
    revocation.revoke(form["token"], client, now=now)
    return HttpResponse(headers=errors.NO_STORE)
