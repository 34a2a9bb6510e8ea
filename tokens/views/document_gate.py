"""Admit clients with a metadata document: before an authorization request is judged, and before a client authenticates.

A request whose client_id has no colon is not the address of a document, and passes without a query.
"""

from contextlib import suppress
from datetime import datetime
from functools import partial

from django.http import HttpRequest, HttpResponse

from tokens import conf, errors
from tokens.authorize.request import AuthorizationRefused
from tokens.errors import InvalidClient, OAuthError, Unavailable
from tokens.limits.rate_limit import NotCounted, TooMany
from tokens.open_clients import document_client, identifier
from tokens.open_clients.document_row import DocumentRefused
from tokens.views import failures
from tokens.views.limits import NOBODY, count, please_wait
from tokens.views.request_store import SentRequest

CLIENT_ID = "client_id"


def admit(request: HttpRequest, sent: SentRequest, *, now: datetime) -> HttpResponse | None:
    """Create or renew the client that an authorization request names by the address of its document.

    Returns None if the request may be judged, or the page for a document that cannot be fetched now. Raises
    AuthorizationRefused if the document is refused; then no error may be sent to a redirect URI.
    """
    names = sent.parameters.getlist(CLIENT_ID)
    if len(names) != 1 or not identifier.is_address(names[0]):
        return None
    try:
        document_client.admit(names[0], now=now, before_fetch=partial(_count, request))
    except DocumentRefused as error:
        raise AuthorizationRefused(OAuthError("invalid_client", str(error))) from error
    except Unavailable as error:
        return unavailable_page(request, error)
    except TooMany as error:
        return please_wait(request, 429, error.retry_after)
    return None


def unavailable_page(request: HttpRequest, error: Unavailable) -> HttpResponse:
    """Return the page for a document, or keys of a client, that cannot be fetched now."""
    page = failures.page(request, 503, error.description)
    page.headers["Retry-After"] = str(error.retry_after)
    return errors.because(page, error.description)


def renew(client_id: str, *, by_header: bool, now: datetime) -> None:
    """Renew the client that a request to an endpoint names by the address of its document.

    `by_header` is True if the request has an `Authorization` header. Raises InvalidClient and Unavailable.
    """
    try:
        document_client.renew(client_id, now=now)
    except DocumentRefused as error:
        raise InvalidClient(str(error), by_header=by_header) from error


def introduce(request: HttpRequest, client_id: str, *, by_header: bool, now: datetime) -> None:
    """Create or renew the client that a pushed authorization request names by the address of its document.

    `by_header` is True if the request has an `Authorization` header. Raises InvalidClient, Unavailable and TooMany.
    """
    try:
        document_client.admit(client_id, now=now, before_fetch=partial(_count, request))
    except DocumentRefused as error:
        raise InvalidClient(str(error), by_header=by_header) from error


def _count(request: HttpRequest) -> None:
    """Count one fetch for the address of the sender. Raises TooMany."""
    with suppress(NotCounted):  # the number of fetches at once is bounded, too
        count(request, "documents", (), conf.issuer().rate_limits["documents"], subject=NOBODY)
