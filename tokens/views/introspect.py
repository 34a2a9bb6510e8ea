"""/oauth/introspect: whether a token is active (RFC 7662), as JSON or signed (RFC 9701)."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from tokens import errors
from tokens.errors import InvalidClient, OAuthError
from tokens.keys import signing
from tokens.keys.errors import NotReady
from tokens.models import Client
from tokens.oauth import introspection
from tokens.oauth.backend import backend
from tokens.views.bodies import form_only
from tokens.views.limits import limited
from tokens.views.refusals import refuse

REFUSED = "introspection.refused"


@csrf_exempt
@form_only(REFUSED)
@limited("introspect")
@sensitive_post_parameters()
def introspect(request: HttpRequest) -> HttpResponse:
    """The introspection response, or RFC 6749's error."""
    try:
        return _answer(request)
    except OAuth2Error as error:
        return refuse(request, error, REFUSED)
    except NotReady as error:
        return errors.unavailable(error.retry_after)


def _answer(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    client, form = backend().client(request, introspection.PARAMETERS, now=now)
    if client.client_type != Client.CLIENT_CONFIDENTIAL:  # whoever only names itself could try tokens (section 4)
        raise InvalidClient("a public client cannot introspect")
    if "token" not in form:
        raise OAuthError("invalid_request", "Missing token parameter.")
    response = introspection.introspect(form["token"], client, now=now)
    if request.get_preferred_type(["application/json", introspection.MEDIA_TYPE]) != introspection.MEDIA_TYPE:
        return errors.answer(response)
    signer = signing.feed_signer(introspection.ring_for(client, now=now), now=now)
    signed = introspection.sign(response, client, signer=signer, now=now)
    return HttpResponse(signed, content_type=introspection.MEDIA_TYPE, headers=errors.NO_STORE)
