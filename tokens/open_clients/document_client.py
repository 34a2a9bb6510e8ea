"""Find, create and renew the client of a metadata document.

1. The settings accept documents, and the document's host. The client_id is a permitted address.
2. A stored client is used while its document is fresh. For a blocked client nothing is fetched or raised here: the
   caller looks for an active client, and finds none.
3. Otherwise the document is fetched. An invalid or missing document refuses its client.
4. If the document cannot be fetched at the moment, a stored client is used for GRACE more, unless its document was
   refused before.
5. A valid document creates the client, or changes its row. A change renews the registry's version, so each process uses
   the changed row at its next request.

A document changes the name, redirect URIs, grant types and keys of its client, and whether the client has to push or
sign its requests. It changes no scope, no API, no lifetime and no other switch. It cannot replace `private_key_jwt` by
`none`: otherwise a client without the key could continue.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from tokens import conf, registry_lock
from tokens.audit.trail import log, record
from tokens.errors import Unavailable
from tokens.models import Api, Client, OpenClient, Registrar
from tokens.open_clients import document_fetch, freshness, identifier, idle_client, scope_policy
from tokens.open_clients.client_metadata import ClientMetadata
from tokens.open_clients.document_fetch import NoDocument, Unreachable, ValidDocument
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
WEAKER = "The document replaces private_key_jwt by none. Use another client_id for a client without a key."
TAKEN = "The client_id is the identifier of an API or of the issuer."
TOO_MANY = "Too many clients were registered and never used. Try again later."


class DocumentRefused(Exception):
    """The document is missing or refused, so its client cannot be used. The message says why."""


def admit(client_id: str, *, now: datetime, before_fetch: Callable[[], None]) -> None:
    """Create or renew the client at an authorization request. Calls `before_fetch` before a fetch or a change.

    Raises DocumentRefused, Unavailable, and what `before_fetch` raises.
    """
    _judge_address(client_id)
    state = _state(client_id)
    if state is not None and _is_settled(state, now=now):
        return
    # Also for a document in memory that its client's row refused: each try to store it locks the registry.
    if document_fetch.is_costly(client_id):
        before_fetch()
    _renew(client_id, state, now=now)


def renew(client_id: str, *, now: datetime) -> None:
    """Fetch the document of a stored client again if it is stale. Raises DocumentRefused, or Unavailable for now.

    Fetches nothing for a client that is not stored: only an authorization request introduces a client.
    """
    _judge_address(client_id)
    state = _state(client_id)
    if state is not None and not _is_settled(state, now=now):
        _renew(client_id, state, now=now)


def _judge_address(client_id: str) -> None:
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
    """Fetch the document and store the client. Raises DocumentRefused and Unavailable."""
    try:
        _store(client_id, document_fetch.get(client_id), now=now)
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


def _store(client_id: str, fetched: ValidDocument, *, now: datetime) -> None:
    """Create or change the client. Raises DocumentRefused and RegistryLocked."""
    try:
        _save(client_id, fetched, now=now)
    except ValidationError as error:
        raise DocumentRefused(" ".join(error.messages)) from error
    except IntegrityError:  # another process created the client at the same time
        _save(client_id, fetched, now=now)


@registry_lock.change()
def _save(client_id: str, fetched: ValidDocument, *, now: datetime) -> None:
    client = Client.objects.select_for_update().filter(client_id=client_id).first()
    if client is None:
        client = _create(client_id, fetched.metadata, now=now)
    else:
        _change(client, fetched.metadata, now=now)
    times = {"fetched_at": now, "fresh_until": now + fetched.fresh_for, "ends_at": now + idle_client.NEVER_USED}
    OpenClient.objects.update_or_create(
        client=client, defaults={**times, "failure": ""}, create_defaults={**times, "created_at": now}
    )


def _create(client_id: str, metadata: ClientMetadata, *, now: datetime) -> Client:
    if idle_client.are_too_many(Registrar.DOCUMENT):
        raise DocumentRefused(TOO_MANY)
    client = Client(client_id=client_id, registered_by=Registrar.DOCUMENT, **_fields(client_id, metadata))
    # `identifier` judged the client_id, which the rules of the model refuse for every other client.
    client.full_clean(exclude=["client_id"])
    client.save()
    # After the insert, which waits for the lock of other changes of the registry: an API that was added before is seen.
    if client_id == conf.issuer().url or Api.objects.filter(identifier=client_id).exists():
        raise DocumentRefused(TAKEN)
    scope_policy.apply(client)
    record("client.created", actor=_actor(client_id), subject=f"client:{client_id}", now=now)
    return client


def _change(client: Client, metadata: ClientMetadata, *, now: datetime) -> None:
    """Save the fields that the document changed, and record their values before and after."""
    if metadata.is_public and not client.is_public:
        raise DocumentRefused(WEAKER)
    new_values = _fields(client.client_id, metadata)
    changed = {name: value for name, value in new_values.items() if getattr(client, name) != value}
    details = {name: [_text(getattr(client, name)), _text(value)] for name, value in changed.items()}
    for name, value in changed.items():
        setattr(client, name, value)
    if changed:
        client.full_clean(exclude=["client_id"])
        client.save(update_fields=list(changed))
        client.consents.all().delete()  # users agreed to the client as it was (draft 02 section 8.4)
    if scope_policy.apply(client):
        details["policy"] = ["", "applied"]
    if details:
        subject = f"client:{client.client_id}"
        record("client.changed", actor=_actor(client.client_id), subject=subject, details=details, now=now)


def _fields(client_id: str, metadata: ClientMetadata) -> dict[str, Any]:
    """Return the columns that a document decides, by name."""
    return {
        "name": metadata.client_name or (identifier.read(client_id, loopback=True).hostname or ""),
        "redirect_uris": " ".join(metadata.redirect_uris),
        "allowed_origins": " ".join(metadata.origins),
        "grants": list(metadata.grant_types),
        "allows_any_localhost_port": metadata.listens_on_localhost or None,
        "require_pushed_authorization_requests": metadata.require_pushed_authorization_requests or None,
        "require_signed_request_object": metadata.require_signed_request_object or None,
        "client_type": Client.CLIENT_PUBLIC if metadata.is_public else Client.CLIENT_CONFIDENTIAL,
        "token_endpoint_auth_method": metadata.token_endpoint_auth_method,
        "client_jwks": metadata.jwks,
        "client_jwks_uri": metadata.jwks_uri,
        "backchannel_logout_uri": metadata.backchannel_logout_uri or None,
        "backchannel_logout_session_required": metadata.backchannel_logout_session_required or None,
        "dpop_bound_access_tokens": metadata.dpop_bound_access_tokens or None,
    }


def _text(value: object) -> str:
    """Return a value as the audit trail records it; of keys only that they are there."""
    return "(keys)" if isinstance(value, dict) else ", ".join(value) if isinstance(value, list) else str(value)


def _note_failure(
    client_id: str, state: OpenClient | None, reason: str, *, now: datetime, is_final: bool = False
) -> None:
    """Log the failure. If the client is stored, keep the reason for the admin.

    `is_final` is True for a document that is gone or refused: then its client is not used if its host falls silent.
    """
    log("document.refused", actor="issuer", subject=f"client:{client_id}", details={"reason": reason}, now=now)
    if state is None:
        return
    fresh_until = None if is_final else state.fresh_until
    if (state.failure, state.fresh_until) != (reason[:255], fresh_until):
        # Not if another process fetched a valid document meanwhile.
        this = OpenClient.objects.filter(pk=state.pk, fresh_until=state.fresh_until)
        this.update(failure=reason[:255], fresh_until=fresh_until)


def _actor(client_id: str) -> str:
    return f"document:{identifier.read(client_id, loopback=True).hostname}"
