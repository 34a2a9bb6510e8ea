"""/oauth/revoke: a client revokes a token (RFC 7009)."""

from django.http import HttpRequest, HttpResponse

from tokens import errors
from tokens.clients import authentication
from tokens.grants.request import ClientRequest
from tokens.revoking import revocation
from tokens.views.cors import cors
from tokens.views.endpoint import endpoint


@cors("POST")
@endpoint(rate="token", refused="revocation.refused", accepts=revocation.PARAMETERS)
def revoke(_: HttpRequest, request: ClientRequest) -> HttpResponse:
    """Revoke the token, and return 200 with an empty body.

    Raises OAuthError if the client or the token is refused, and NotReady if the keys cannot be read.
    """
    client = authentication.authenticate(request.credentials, now=request.now)
    revocation.revoke(request.required("token"), client, now=request.now)
    return errors.empty(200, errors.NO_STORE)
