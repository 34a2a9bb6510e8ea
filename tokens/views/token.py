"""/oauth/token: issues tokens (RFC 6749 section 3.2)."""

from django.http import HttpRequest, HttpResponse

from tokens import errors, parameters
from tokens.dpop import verifier
from tokens.grants import base
from tokens.grants.request import ClientRequest
from tokens.grants.table import GRANT_TYPES
from tokens.views.cors import cors
from tokens.views.endpoint import endpoint


@cors("POST")
@endpoint(rate="token", refused="token.refused", accepts=parameters.TOKEN)
def token(_: HttpRequest, request: ClientRequest) -> HttpResponse | dict[str, object]:
    """Return the token response. Raises OAuthError if the request is refused, and NotReady if no key may sign."""
    answer = base.answer(request, GRANT_TYPES)
    if request.proof is None:
        return answer
    return errors.answer(answer, headers=verifier.headers(now=request.now))
