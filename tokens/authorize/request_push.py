"""Pushed authorization requests (RFC 9126): a client sends its request to the issuer first, and gets a `request_uri`.

1. `push` checks the request of an authenticated client by the rules of the authorization endpoint, and stores the
   request. The client gets a `request_uri`, of which only the SHA-256 is stored.
2. The browser opens the authorization endpoint with `client_id` and `request_uri`. `find` returns the stored request,
   and refuses a `request_uri` that is unknown, expired or another client's.
3. `use` marks the request as used, and stores a copy for the browser (`request_row`). If several browsers send the
   `request_uri`, one UPDATE decides which of them gets the request.
4. The authorization endpoint checks the request again, because the client's settings might have changed (section 7.4).
"""

from datetime import datetime

from django.db import transaction
from django.http import QueryDict
from django.utils.http import urlencode

from tokens import conf, parameters
from tokens.authorize import reauthentication, request_row, request_signature
from tokens.authorize.backend import backend
from tokens.authorize.request import AuthorizationRequest
from tokens.authorize.request_row import KeptRequest
from tokens.errors import OAuthError
from tokens.grants.request import ClientRequest
from tokens.issued import one_time
from tokens.models import Client, PushedRequest
from tokens.parameters import REPEATABLE

PREFIX = "urn:ietf:params:oauth:request_uri:"
"""The beginning of each `request_uri` of this issuer (RFC 9126 section 2.2)."""
UNUSABLE = (
    "This login has expired, was already opened, or belongs to another application. Start the login again at the"
    " application."
)
NESTED = "The request_uri parameter cannot be pushed."
NOT_PUSHED = "Push the authorization request to /oauth/par first, and send the browser with its request_uri (RFC 9126)."


def push(request: ClientRequest, client: Client) -> tuple[AuthorizationRequest, dict[str, object]]:
    """Check and store the authorization request that an authenticated client pushed.

    Returns the parsed request, and the members of the JSON answer (section 2.2). If the request has a DPoP proof, the
    code will be bound to the key of the proof (RFC 9449 section 10.1).

    Raises OAuthError if the authorization endpoint would refuse the request (section 2.3), or if the request
    has a DPoP proof and `dpop_jkt` names another key.
    """
    if "request_uri" in request.form:  # section 2.1
        raise OAuthError("invalid_request", NESTED)
    is_signed = "request" in request.form and request_signature.is_possible(client)
    request_signature.require(client, is_signed=is_signed)
    query = _signed(request, client) if is_signed else _plain(request, client)
    authorization = backend().authorization(QueryDict(query))
    if request.thumbprint is not None and authorization.dpop_jkt is None:
        query = f"{query}&{urlencode({'dpop_jkt': request.thumbprint})}"
    elif request.thumbprint not in {None, authorization.dpop_jkt}:  # RFC 9449 section 10.1
        raise OAuthError("invalid_dpop_proof", "The DPoP proof and dpop_jkt name different keys.")
    reference, lifetime = one_time.new(), conf.issuer().requests.pushed_lifetime
    PushedRequest.objects.create(
        digest=one_time.digest(reference),
        client=client,
        query=query,
        is_signed=is_signed,
        expires_at=request.now + lifetime,
    )
    return authorization, {"request_uri": f"{PREFIX}{reference}", "expires_in": int(lifetime.total_seconds())}


def find(request_uri: str, client_id: str, *, now: datetime) -> PushedRequest:
    """Return the pushed request of this client, even if it was used before. `now` is the database's clock.

    Raises OAuthError invalid_request_uri if the `request_uri` is unknown, expired or another client's.
    """
    digest = one_time.digest(request_uri.removeprefix(PREFIX))
    row = PushedRequest.objects.filter(pk=digest, client__client_id=client_id).first()
    if row is None:
        raise _unusable("the request_uri is unknown, or another client's")
    if row.expires_at <= now:
        raise _unusable("the request_uri has expired")
    return row


@transaction.atomic
def use(row: PushedRequest, *, handle: str, now: datetime) -> str:
    """Mark the pushed request as used by a browser, and store a copy for this browser. `now` is the database's clock.

    Returns the session key of the copy's row (`request_row`). `handle` is the short identifier of the copy in the
    browser's URLs (`views.request_store`).

    Raises OAuthError invalid_request_uri if the request was used before.
    """
    unused = PushedRequest.objects.filter(pk=row.pk, used_at=None)
    if not unused.update(used_at=now, handle=handle):
        raise _unusable("the request_uri was used before")
    query = reauthentication.add_mark(row.query, now=now)
    return request_row.create(KeptRequest(query, is_pushed=True, is_signed=row.is_signed))


def require(client: Client, *, is_pushed: bool) -> None:
    """Raise OAuthError invalid_request if the client must push its requests and `is_pushed` is False.

    See RFC 9126 section 4.
    """
    if client.must_push_requests and not is_pushed:
        raise OAuthError("invalid_request", NOT_PUSHED)


def _plain(request: ClientRequest, client: Client) -> str:
    """Return the authorization parameters of the pushed form as a query string, without the client's credentials."""
    # A client that authenticates by the header or by an assertion can leave out its client_id.
    names = parameters.AUTHORIZATION - {REPEATABLE, "client_id"}
    pairs = [(name, value) for name, value in request.form.items() if name in names]
    resources = [(REPEATABLE, value) for value in request.resources]
    return urlencode([("client_id", client.client_id), *pairs, *resources])


def _signed(request: ClientRequest, client: Client) -> str:
    """Return the parameters of the pushed request object, which is a signed JWT, as a query string.

    Ignores parameters outside of the object (RFC 9126 section 3). Raises OAuthError invalid_request_object if the
    object is not valid, and Unavailable if the client's keys are still being fetched.
    """
    return request_signature.unfold(request.form["request"], client, now=request.now)


def _unusable(reason: str) -> OAuthError:
    return OAuthError("invalid_request_uri", UNUSABLE, reason=reason)
