"""/oauth/introspect: whether a token is active (RFC 7662), as JSON or signed (RFC 9701)."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tokens import errors
from tokens.authorize.backend import backend
from tokens.errors import InvalidClient, OAuthError
from tokens.keys import keyring
from tokens.revoking import introspection
from tokens.views.endpoint import endpoint


@endpoint(rate="introspect", refused="introspection.refused")
def introspect(request: HttpRequest) -> HttpResponse:
    """The introspection response, or RFC 6749's error."""
    now = keyring.clock(now=timezone.now())
    client, form = backend().client(request, introspection.PARAMETERS, now=now)
    if client.is_public:  # whoever only names itself could try tokens (section 4)
        raise InvalidClient("a public client cannot introspect")
    if "token" not in form:
        raise OAuthError("invalid_request", "Missing token parameter.")
    response = introspection.introspect(form["token"], client, now=now)
    if request.get_preferred_type(["application/json", introspection.MEDIA_TYPE]) != introspection.MEDIA_TYPE:
        return errors.answer(response)
    signer = keyring.feed_signer(introspection.ring_for(client, now=now), now=now)
    signed = introspection.sign(response, client, signer=signer, now=now)
    return HttpResponse(signed, content_type=introspection.MEDIA_TYPE, headers=errors.NO_STORE)
