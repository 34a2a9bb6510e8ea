"""Create or renew the client of a request whose client_id is the URL of a client ID metadata document.

The endpoints do this before they validate an authorization request or authenticate the client. If a client_id has no
colon, it is not a URL. Then nothing is done and the database is not queried.
"""

from contextlib import suppress
from datetime import datetime
from functools import partial

from django.http import HttpRequest, HttpResponse

from tokens import conf, errors
from tokens.authorize.request import AuthorizationRefused
from tokens.errors import InvalidClient, OAuthError, Unavailable
from tokens.limits.cache_circuit import NotCounted
from tokens.limits.rate_limit import TooMany
from tokens.open_clients import document_client, identifier
from tokens.open_clients.document_row import DocumentRefused
from tokens.views import failures
from tokens.views.limits import UNKNOWN_USER, Attempts, count, please_wait
from tokens.views.request_store import SentRequest

CLIENT_ID = "client_id"


def admit(request: HttpRequest, sent: SentRequest, *, now: datetime) -> HttpResponse | None:
    """Create or renew the client if its client_id is the URL of a metadata document.

    Returns None if the request can be processed, else an error page: 503 if the document cannot be fetched now, 429 if
    too many documents were fetched for this network address. Raises AuthorizationRefused if the document is refused.
    The caller must not send this AuthorizationRefused to a redirect URI.
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
        return please_wait(request, 429, error.retry_after, after=Attempts.REQUEST)
    return None


def unavailable_page(request: HttpRequest, error: Unavailable) -> HttpResponse:
    """Return 503 with a page that says that a client's metadata document or keys cannot be fetched now."""
    page = failures.page(request, 503, error.description)
    page.headers["Retry-After"] = str(error.retry_after)
    return errors.because(page, error.description)


def renew(client_id: str, *, by_header: bool, now: datetime) -> None:
    """Fetch the document at the URL `client_id` again if it is stale, and update the stored client.

    Does nothing if no client with this client_id is stored. Raises InvalidClient if the document is refused, and
    Unavailable if the document cannot be fetched now and GRACE has passed since the document became stale. `by_header`
    is True if the request has an `Authorization` header. The response for InvalidClient then has the header
    `WWW-Authenticate`.
    """
    try:
        document_client.renew(client_id, now=now)
    except DocumentRefused as error:
        raise InvalidClient(str(error), by_header=by_header) from error


def introduce(request: HttpRequest, client_id: str, *, by_header: bool, now: datetime) -> None:
    """Create or renew the client of a pushed authorization request, from the document at the URL `client_id`.

    Raises InvalidClient if the document is refused, Unavailable if the document cannot be fetched now and no stored
    client can be used, and TooMany if too many documents were fetched for the sender's address. `by_header` is True if
    the request has an `Authorization` header. The response for InvalidClient then has the header `WWW-Authenticate`.
    """
    try:
        document_client.admit(client_id, now=now, before_fetch=partial(_count, request))
    except DocumentRefused as error:
        raise InvalidClient(str(error), by_header=by_header) from error


def _count(request: HttpRequest) -> None:
    """Count one fetch for the sender's network address. Raises TooMany if the rate limit is exceeded."""
    with suppress(NotCounted):  # the number of concurrent fetches is bounded as well
        count(request, "documents", (), conf.issuer().rate_limits["documents"], subject=UNKNOWN_USER)
