"""Find, create and renew the client of a metadata document.

1. The settings must accept documents, and the document's host. The client_id must be a permitted address.
2. A stored client is used while its document is fresh. If the client is blocked, nothing is fetched and no error is
   raised here. The caller, which looks up active clients only, refuses a blocked client.
3. If the client is not stored, or its document is stale, the document is fetched. If the document is missing or
   invalid, the client is refused.
4. If the document cannot be fetched at the moment, a stored client is used for GRACE after its document became stale.
   If an earlier fetch found the document missing or invalid, there is no GRACE.
5. A valid document creates the client, or changes its row (`document_row`).
"""

from collections.abc import Callable
from datetime import datetime

from tokens import conf
from tokens.audit.trail import log
from tokens.errors import Unavailable
from tokens.models import OpenClient
from tokens.open_clients import document_fetch, document_row, freshness, identifier
from tokens.open_clients.document_fetch import NoDocument, Unreachable
from tokens.open_clients.document_row import DocumentRefused
from tokens.open_clients.flights import StillFetching
from tokens.open_clients.identifier import UnfitAddress
from tokens.registry_lock import RegistryLocked

RETRY_AFTER = 2  # seconds
OFF = (
    "This issuer does not accept client ID metadata documents. Register the client, or let the operator set"
    " CLIENT_ID_METADATA_DOCUMENTS."
)
HOST = "This issuer does not accept client ID metadata documents of this host."
UNREACHABLE = "The document at the client_id cannot be fetched at the moment. Try again soon."


def admit(client_id: str, *, now: datetime, before_fetch: Callable[[], None]) -> None:
    """Create or renew the client of an authorization request whose `client_id` is the address of a metadata document.

    Calls `before_fetch` before it fetches the document or changes the client. For example, `before_fetch` counts the
    request for a rate limit.

    Raises DocumentRefused if the address or the document is refused. Raises Unavailable if the document cannot be
    fetched and no stored client can be used, or if another transaction holds a lock for too long. Also raises what
    `before_fetch` raises.
    """
    _judge_address(client_id)
    state = _state(client_id)
    if state is not None and _is_settled(state, now=now):
        return
    # True also for a document in memory that could not be stored: each attempt to store it locks the registry.
    if document_fetch.is_costly(client_id):
        before_fetch()
    _renew(client_id, state, now=now)


def renew(client_id: str, *, now: datetime) -> None:
    """Fetch the document of a stored client again if the document is stale.

    Raises DocumentRefused and Unavailable, as `admit` does.

    Fetches nothing for a client that is not stored: only an authorization request may introduce a client.
    """
    _judge_address(client_id)
    state = _state(client_id)
    if state is not None and not _is_settled(state, now=now):
        _renew(client_id, state, now=now)


def _judge_address(client_id: str) -> None:
    """Raise DocumentRefused unless documents are accepted, and `client_id` is an address on a permitted host."""
    settings = conf.issuer().open_clients
    if not settings.documents:
        raise DocumentRefused(OFF)
    try:
        host = identifier.read(client_id, loopback=settings.loopback_documents).hostname or ""
    except UnfitAddress as error:
        raise DocumentRefused(str(error)) from None
    if not settings.permits_host(host):
        raise DocumentRefused(HOST)


def _state(client_id: str) -> OpenClient | None:
    return OpenClient.objects.select_related("client").filter(client__client_id=client_id).first()


def _is_settled(state: OpenClient, *, now: datetime) -> bool:
    """Return True if no fetch is needed: the document is fresh, or the client is blocked."""
    return not state.client.is_active or (state.fresh_until is not None and now < state.fresh_until)


def _renew(client_id: str, state: OpenClient | None, *, now: datetime) -> None:
    """Fetch the document and store the client.

    Raises DocumentRefused if the document is missing or refused. Raises Unavailable if the document cannot be fetched
    and no stored client can be used, or if another transaction holds a lock for too long.
    """
    try:
        document_row.store(client_id, document_fetch.get(client_id), now=now)
    except (NoDocument, DocumentRefused) as error:
        _note_failure(client_id, state, str(error), now=now, is_final=True)
        raise DocumentRefused(f"The document at the client_id is refused: {error}") from error
    except (Unreachable, StillFetching) as error:
        if isinstance(error, Unreachable):
            _note_failure(client_id, state, str(error), now=now)
        is_usable = state is not None and state.fresh_until is not None and now < state.fresh_until + freshness.GRACE
        if not is_usable:
            raise Unavailable(UNREACHABLE, retry_after=RETRY_AFTER) from error
    except RegistryLocked as error:
        raise Unavailable(str(error), retry_after=RETRY_AFTER) from error


def _note_failure(
    client_id: str, state: OpenClient | None, reason: str, *, now: datetime, is_final: bool = False
) -> None:
    """Log the failure. If the client is stored, store the reason for the admin.

    `is_final` is True if the document is missing or refused. GRACE then no longer applies: the client cannot be used
    until a valid document is fetched.
    """
    log("document.refused", actor="issuer", subject=f"client:{client_id}", details={"reason": reason}, now=now)
    if state is None:
        return
    fresh_until = None if is_final else state.fresh_until
    if (state.failure, state.fresh_until) != (reason[:255], fresh_until):
        # Change nothing if another process has stored a valid document since `state` was read.
        this = OpenClient.objects.filter(pk=state.pk, fresh_until=state.fresh_until)
        this.update(failure=reason[:255], fresh_until=fresh_until)
