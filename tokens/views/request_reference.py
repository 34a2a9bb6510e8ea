"""Exchange the `request_uri` of a pushed authorization request for a handle of this browser (RFC 9126 section 4).

- Only `client_id` and `request_uri` count. Other parameters are ignored, and `request` beside them is refused.
- The request moves into a row that this browser alone can open (`request_store`), and the browser is redirected to its
  handle. So the login may take longer than the `request_uri` is valid, and the page can be reloaded.
- A `request_uri` can be used once. The browser that used it is led to the same request again until the `request_uri`
  expires (section 4 permits duplicates of a reload); any other browser gets an error page.
- An error is shown by a page of the issuer. Without a valid `request_uri` there is no redirect URI to trust.
"""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict

from tokens.authorize import reauthentication, request_push
from tokens.authorize.request import AuthorizationRefused
from tokens.errors import OAuthError
from tokens.models import PushedRequest
from tokens.views import request_store
from tokens.views.authorization_answer import redirect
from tokens.views.request_store import SentRequest

AMBIGUOUS = "Send client_id and request_uri once each, without request."


def exchange(request: HttpRequest, sent: SentRequest, *, now: datetime) -> HttpResponse | None:
    """Return the redirect to the request that was pushed, or None if the address names none.

    `now` is the database's clock. Raises AuthorizationRefused without a redirect URI.
    """
    given = sent.parameters
    references = given.getlist("request_uri")
    if sent.is_stored or not any(value.startswith(request_push.PREFIX) for value in references):
        return None
    try:
        client_id = _only_client(given)
        row = request_push.find(references[0], client_id, now=now)
        if row.handle and request_store.opens(request, row.handle):
            return redirect(request, request_store.address(request.path, row.handle))
        return _move(request, row, now=now)
    except OAuthError as error:
        raise AuthorizationRefused(error) from error


def _only_client(given: QueryDict) -> str:
    """Return the client_id. Raises OAuthError invalid_request if the parameters are ambiguous."""
    client_ids, references = given.getlist("client_id"), given.getlist("request_uri")
    if len(client_ids) != 1 or len(references) != 1 or "request" in given:
        raise OAuthError("invalid_request", AMBIGUOUS)
    return client_ids[0]


def _move(request: HttpRequest, row: PushedRequest, *, now: datetime) -> HttpResponse:
    """Use the pushed request, and redirect the browser to its own copy. Raises OAuthError invalid_request_uri."""
    handle = request_store.new_handle(now=now)
    with transaction.atomic():
        request_push.use(row, handle=handle, now=now)
        stored = request_store.store(reauthentication.add_mark(row.query, now=now), handle, is_pushed=True)
    return stored.attach(request, redirect(request, stored.address(request.path)))
