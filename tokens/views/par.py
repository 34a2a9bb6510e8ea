"""/oauth/par: stores an authorization request that a client pushes, and returns a `request_uri` (RFC 9126).

A DPoP proof binds the authorization code to the key of the proof, as `dpop_jkt` does (RFC 9449 section 10.1).
"""

from django.http import HttpRequest, HttpResponse

from tokens import errors, parameters
from tokens.audit import trail
from tokens.authorize import request_push
from tokens.clients import authentication
from tokens.dpop import verifier
from tokens.grants import holder_key
from tokens.grants.request import ClientRequest
from tokens.views.cors import cors
from tokens.views.endpoint import endpoint

PATH = "/oauth/par"


@cors("POST")
@endpoint(rate="par", refused="request.push_refused", accepts=parameters.AUTHORIZATION, introduces=True)
def par(_: HttpRequest, request: ClientRequest) -> HttpResponse:
    """Store the pushed request, and return 201 with its `request_uri`.

    Raises OAuthError if the request is refused, and NotReady if KEY_ENCRYPTION_KEYS cannot be read.
    """
    proof = None if request.proof is None else holder_key.verified(request, path=PATH)
    client = authentication.authenticate(request.credentials, now=request.now)
    if proof is not None:
        request = holder_key.accepted(request, proof, client)
    authorization, members = request_push.push(request, client)
    target = authorization.target
    details = {"aud": target.audience, "scope": " ".join(target.scopes)}
    subject = f"client:{client.client_id}"
    trail.log("request.pushed", actor=subject, subject=subject, details=details, now=request.now)
    return errors.answer(members, status=201, headers=verifier.headers(now=request.now) if proof else None)
