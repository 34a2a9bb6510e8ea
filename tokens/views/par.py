"""/oauth/par: takes an authorization request from its client, and answers with a `request_uri` (RFC 9126)."""

from django.http import HttpRequest, HttpResponse

from tokens import errors, parameters
from tokens.audit import trail
from tokens.authorize import request_push
from tokens.clients import authentication
from tokens.grants.request import ClientRequest
from tokens.views.cors import cors
from tokens.views.endpoint import endpoint


@cors("POST")
@endpoint(rate="par", refused="request.push_refused", accepts=parameters.AUTHORIZATION, introduces=True)
def par(_: HttpRequest, request: ClientRequest) -> HttpResponse:
    """Return 201 with the `request_uri`. Raises OAuthError if the request is refused, and NotReady."""
    client = authentication.authenticate(request.credentials, now=request.now)
    authorization, members = request_push.push(request, client)
    target = authorization.target
    details = {"aud": target.audience, "scope": " ".join(target.scopes)}
    subject = f"client:{client.client_id}"
    trail.log("request.pushed", actor=subject, subject=subject, details=details, now=request.now)
    return errors.answer(members, status=201)
