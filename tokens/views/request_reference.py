"""Store a pushed or signed authorization request for this browser (RFC 9126 section 4, RFC 9101 section 5).

- With the parameter `request_uri`, only `request_uri` and `client_id` are used. Other parameters are ignored. But an
  authorization request with both `request_uri` and `request` is refused.
- With the parameter `request`, from a client with keys, only the request object (a signed JWT) and `client_id` are
  used. The request object must have the same `client_id`.
- The authorization request is stored in a row that only this browser can open. The browser is redirected to a URL with
  a handle, a short text that stands for the stored request (`request_store`). So the login can outlast the lifetime of
  the `request_uri` or of the request object, and the page can be reloaded.
- A `request_uri` can be used once. The browser that used it is redirected to the same request again until the
  `request_uri` expires (section 4 permits duplicates by a reload). Any other browser gets an error page.
- A page of the issuer shows the errors. Errors are not sent to a redirect URI, because a redirect URI outside of the
  pushed or signed request cannot be trusted.
"""

from datetime import datetime

from django.http import HttpRequest, HttpResponse

from tokens import parameters
from tokens.authorize import reauthentication, request_push, request_signature
from tokens.authorize.request import as_refusal
from tokens.authorize.request_row import KeptRequest
from tokens.clients import registry
from tokens.errors import OAuthError, Unavailable
from tokens.models import Client, PushedRequest
from tokens.views import document_gate, request_store
from tokens.views.authorization_answer import redirect
from tokens.views.login_detour import too_many_rows
from tokens.views.request_store import SentRequest, StoredRequest

AMBIGUOUS = "Send client_id and request_uri once each, without request."
AMBIGUOUS_OBJECT = "Send client_id and request once each, without request_uri."
TOO_LONG = f"The authorization request is longer than {request_store.MAX_LENGTH} characters."


def exchange(request: HttpRequest, sent: SentRequest, *, now: datetime) -> HttpResponse | None:
    """Store a pushed or signed request, and return the redirect to the stored request.

    Returns None if the request is stored already, or is neither pushed nor signed. Returns an error page if the
    client's keys cannot be fetched now, and also if too many requests were stored for the sender's address. `now` is
    the database's clock. Raises AuthorizationRefused if the request is refused. This exception has no redirect URI, so
    that a page shows the error.
    """
    if sent.is_stored:
        return None
    try:
        with as_refusal():
            parameters.declared(sent.parameters, parameters.DECISIVE)  # PostgreSQL's driver refuses a NUL
            if any(value.startswith(request_push.PREFIX) for value in sent.parameters.getlist("request_uri")):
                return _by_reference(request, sent, now=now)
            client = _client(sent) if "request" in sent.parameters else None
        if client is None:
            return None
        with as_refusal(client_id=client.client_id):
            return _by_object(request, sent, client, now=now)
    except Unavailable as error:  # the client's keys are being fetched
        return document_gate.unavailable_page(request, error)


def _by_reference(request: HttpRequest, sent: SentRequest, *, now: datetime) -> HttpResponse:
    sent_parameters = sent.parameters
    client_ids, references = sent_parameters.getlist("client_id"), sent_parameters.getlist("request_uri")
    if len(client_ids) != 1 or len(references) != 1 or "request" in sent_parameters:
        raise OAuthError("invalid_request", AMBIGUOUS)
    row = request_push.find(references[0], client_ids[0], now=now)
    if row.handle and request_store.opens(request, row.handle):
        return redirect(request, request_store.address(request.path, row.handle))
    return _use(request, row, now=now)


def _use(request: HttpRequest, row: PushedRequest, *, now: datetime) -> HttpResponse:
    """Mark the pushed request as used, store a copy for this browser, and redirect the browser to the copy.

    Raises OAuthError invalid_request_uri if the pushed request was used before.
    """
    handle = request_store.new_handle(now=now)
    stored = StoredRequest(handle, request_push.use(row, handle=handle, now=now))
    return stored.attach(request, redirect(request, stored.address(request.path)))


def _client(sent: SentRequest) -> Client | None:
    """Return the active client that the request names. Return None if no such client has keys for signed requests."""
    client = registry.read(sent.parameters.get("client_id", ""))
    return client if request_signature.is_possible(client) else None


def _by_object(request: HttpRequest, sent: SentRequest, client: Client, *, now: datetime) -> HttpResponse:
    """Verify the client's request object, store the request in it, and redirect this browser to the stored request.

    Returns an error page if too many requests were stored for the sender's address. Raises OAuthError invalid_request
    if the parameters are ambiguous or too long, and what `request_signature.unfold` raises.
    """
    sent_parameters = sent.parameters
    if (
        len(sent_parameters.getlist("client_id")) != 1
        or len(sent_parameters.getlist("request")) != 1
        or "request_uri" in sent_parameters
    ):
        raise OAuthError("invalid_request", AMBIGUOUS_OBJECT)
    if sent.is_too_long:
        raise OAuthError("invalid_request", TOO_LONG)
    query = request_signature.unfold(sent_parameters.get("request", ""), client, now=now)
    if (refusal := too_many_rows(request)) is not None:
        return refusal
    kept_request = KeptRequest(reauthentication.add_mark(query, now=now), is_signed=True)
    stored = request_store.store(kept_request, request_store.new_handle(now=now))
    return stored.attach(request, redirect(request, stored.address(request.path)))
