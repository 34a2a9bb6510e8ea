"""Move a pushed or signed authorization request to this browser (RFC 9126 section 4, RFC 9101 section 5).

- By `request_uri`: only it and `client_id` count. Other parameters are ignored, and `request` beside it is refused.
- By `request` of a client with keys: only the object counts, and `client_id`, which has to be the object's.
- The request moves into a row that this browser alone can open (`request_store`), and the browser is redirected to its
  handle. So the login may take longer than the `request_uri` or the object is valid, and the page can be reloaded.
- A `request_uri` can be used once. The browser that used it is led to the same request again until the `request_uri`
  expires (section 4 permits duplicates of a reload); any other browser gets an error page.
- An error is shown by a page of the issuer. Outside of the request there is no redirect URI to trust.
"""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tokens import parameters
from tokens.authorize import reauthentication, request_push, request_signature
from tokens.authorize.request import AuthorizationRefused
from tokens.authorize.request_row import KeptRequest
from tokens.clients import registry
from tokens.errors import OAuthError, Unavailable
from tokens.models import Client, PushedRequest
from tokens.views import document_gate, request_store
from tokens.views.authorization_answer import redirect, too_many_rows
from tokens.views.request_store import SentRequest

AMBIGUOUS = "Send client_id and request_uri once each, without request."
AMBIGUOUS_OBJECT = "Send client_id and request once each, without request_uri."
TOO_LONG = f"The authorization request is longer than {request_store.MAX_LENGTH} characters."


def exchange(request: HttpRequest, sent: SentRequest, *, now: datetime) -> HttpResponse | None:
    """Return the redirect to a request that was pushed or signed, or None for any other request.

    `now` is the database's clock. Raises AuthorizationRefused without a redirect URI.
    """
    if sent.is_stored:
        return None
    client = None
    try:
        parameters.declared(sent.parameters, parameters.DECISIVE)  # PostgreSQL's driver refuses a NUL
        if any(value.startswith(request_push.PREFIX) for value in sent.parameters.getlist("request_uri")):
            return _by_reference(request, sent, now=now)
        if "request" in sent.parameters and (client := _client(sent)) is not None:
            return _by_object(request, sent, client, now=now)
    except Unavailable as error:  # the client's keys are being fetched
        return document_gate.unavailable_page(request, error)
    except OAuthError as error:
        raise AuthorizationRefused(error, client_id=client.client_id if client else None) from error
    return None


def _by_reference(request: HttpRequest, sent: SentRequest, *, now: datetime) -> HttpResponse:
    given = sent.parameters
    client_ids, references = given.getlist("client_id"), given.getlist("request_uri")
    if len(client_ids) != 1 or len(references) != 1 or "request" in given:
        raise OAuthError("invalid_request", AMBIGUOUS)
    row = request_push.find(references[0], client_ids[0], now=now)
    if row.handle and request_store.opens(request, row.handle):
        return redirect(request, request_store.address(request.path, row.handle))
    return _use(request, row, now=now)


def _use(request: HttpRequest, row: PushedRequest, *, now: datetime) -> HttpResponse:
    """Use the pushed request, and redirect the browser to its own copy. Raises OAuthError invalid_request_uri."""
    handle = request_store.new_handle(now=now)
    kept = KeptRequest(reauthentication.add_mark(row.query, now=now), is_pushed=True, is_signed=row.is_signed)
    with transaction.atomic():
        request_push.use(row, handle=handle, now=now)
        stored = request_store.store(kept, handle)
    return stored.attach(request, redirect(request, stored.address(request.path)))


def _client(sent: SentRequest) -> Client | None:
    """Return the client if it has keys, by which it can sign requests. Returns None for any other."""
    client = registry.read(sent.parameters.get("client_id", ""))
    return client if request_signature.is_possible(client) else None


def _by_object(request: HttpRequest, sent: SentRequest, client: Client, *, now: datetime) -> HttpResponse:
    given = sent.parameters
    if len(given.getlist("client_id")) != 1 or len(given.getlist("request")) != 1 or "request_uri" in given:
        raise OAuthError("invalid_request", AMBIGUOUS_OBJECT)
    if sent.is_too_long:
        raise OAuthError("invalid_request", TOO_LONG)
    query = request_signature.unfold(given.get("request", ""), client, now=now)
    if (refusal := too_many_rows(request)) is not None:
        return refusal
    kept = KeptRequest(reauthentication.add_mark(query, now=now), is_signed=True)
    stored = request_store.store(kept, request_store.new_handle(now=now))
    return stored.attach(request, redirect(request, stored.address(request.path)))
