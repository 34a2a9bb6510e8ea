"""/oauth/introspect: reports if a token is active (RFC 7662), as JSON or signed (RFC 9701)."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse

from tokens import errors
from tokens.clients import authentication
from tokens.errors import InvalidClient
from tokens.grants.request import ClientRequest
from tokens.revoking import introspection
from tokens.views.endpoint import endpoint


@endpoint(rate="introspect", refused="introspection.refused", accepts=introspection.PARAMETERS)
def introspect(http: HttpRequest, request: ClientRequest) -> HttpResponse | Mapping[str, object]:
    """Return the introspection response, as a signed JWT if the client's Accept header prefers one.

    Raises OAuthError if the client is refused, and NotReady if no key may sign.
    """
    # The statement that reads the token's state also reads the registry's version, which authentication needs.
    lookup = introspection.look_up(request.form.get("token", ""), now=request.now)
    client = authentication.authenticate(request.credentials, now=request.now, version=lookup.registry)
    if client.is_public:  # an attacker could act as a public client, and try tokens (section 4)
        raise InvalidClient("a public client cannot introspect")
    request.required("token")
    response = introspection.response(lookup, client, now=request.now)
    if http.get_preferred_type(["application/json", introspection.MEDIA_TYPE]) != introspection.MEDIA_TYPE:
        return response
    signed = introspection.sign(response, client, now=request.now)
    return HttpResponse(signed, content_type=introspection.MEDIA_TYPE, headers=errors.NO_STORE)
