"""Store the client of a valid metadata document.

- A document sets the columns in `_fields`, such as the name, redirect URIs, grant types and keys of its client, and
  whether the client has to push or sign its requests. It changes no scope, no API, no lifetime and no other switch.
- A document cannot replace `private_key_jwt` by `none`. Otherwise an attacker without the key could act as the client.
- A change gives the registry a new version (models.RegistryVersion). So each process reads the changed row at its next
  request.
"""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import translation

from tokens import conf, registry_lock
from tokens.audit.trail import record
from tokens.languages import LANGUAGES
from tokens.models import Api, Client, OpenClient, Registrar
from tokens.open_clients import identifier, idle_client, scope_policy
from tokens.open_clients.client_metadata import ClientMetadata
from tokens.open_clients.document_fetch import ValidDocument

WEAKER = "The document replaces private_key_jwt by none. Use another client_id for a client without a key."
TAKEN = "The client_id is the identifier of an API or of the issuer."
TOO_MANY = "Too many clients were registered and never used. Try again later."


class DocumentRefused(Exception):
    """The document is missing or refused, so its client cannot be used. The message says why."""


def store(client_id: str, fetched: ValidDocument, *, now: datetime) -> None:
    """Create or change the client of the document `fetched`.

    Raises DocumentRefused if the client breaks a rule of the registry, if the client_id is the identifier of an API or
    the URL of the issuer, if the document replaces `private_key_jwt` by `none`, or if too many clients of documents
    were never used. Raises RegistryLocked if another transaction holds a lock for too long.
    """
    try:
        with translation.override(LANGUAGES[0]):  # the reason is a text for developers
            _save(client_id, fetched, now=now)
    except ValidationError as error:
        raise DocumentRefused(" ".join(error.messages)) from error
    except IntegrityError:  # another process created the client at the same time
        _save(client_id, fetched, now=now)


@registry_lock.change()
def _save(client_id: str, fetched: ValidDocument, *, now: datetime) -> None:
    """Create or change the client, and store when its document was fetched and until when it is fresh.

    Raises DocumentRefused, RegistryLocked, ValidationError, or IntegrityError if another process creates the same
    client.
    """
    # The key is not locked: a log-out can hold the consents that this change deletes, and its logout messages lock the
    # client's key at the commit.
    client = Client.objects.select_for_update(no_key=True).filter(client_id=client_id).first()
    if client is None:
        client = _create(client_id, fetched.metadata, now=now)
    else:
        _change(client, fetched.metadata, now=now)
    times = {"fetched_at": now, "fresh_until": now + fetched.fresh_for, "ends_at": now + idle_client.NEVER_USED}
    OpenClient.objects.update_or_create(
        client=client, defaults={**times, "failure": ""}, create_defaults={**times, "created_at": now}
    )


def _create(client_id: str, metadata: ClientMetadata, *, now: datetime) -> Client:
    """Create the client of a document, apply the policy for scopes, and record the event. Returns the client.

    Raises DocumentRefused if too many clients of documents were never used, or if the client_id is taken (TAKEN), and
    ValidationError if the client breaks a rule of the model.
    """
    if idle_client.are_too_many(Registrar.DOCUMENT):
        raise DocumentRefused(TOO_MANY)
    client = Client(client_id=client_id, registered_by=Registrar.DOCUMENT, **_fields(client_id, metadata))
    # The rules of the model refuse a client_id that is a URL. Here `identifier` has judged the client_id.
    client.full_clean(exclude=["client_id"])
    client.save()
    # After the insert, which waits for other changes of the registry, so that an API which they added is found.
    if client_id == conf.issuer().url or Api.objects.filter(identifier=client_id).exists():
        raise DocumentRefused(TAKEN)
    scope_policy.apply(client)
    record("client.created", actor=_actor(client_id), subject=f"client:{client_id}", now=now)
    return client


def _change(client: Client, metadata: ClientMetadata, *, now: datetime) -> None:
    """Save the fields that the document changed, and record an event with the values before and after.

    If a field has changed, deletes the users' consents to the client. Raises DocumentRefused if the document replaces
    `private_key_jwt` by `none`.
    """
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
        client.consents.all().delete()  # users consented to the client before the change (draft 02 section 8.4)
    if scope_policy.apply(client):
        details["policy"] = ["", "applied"]
    if details:
        subject = f"client:{client.client_id}"
        record("client.changed", actor=_actor(client.client_id), subject=subject, details=details, now=now)


def _fields(client_id: str, metadata: ClientMetadata) -> dict[str, Any]:
    """Return the columns that a document sets: a mapping from their names to the values in `metadata`."""
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
        "id_token_signed_response_alg": metadata.id_token_signed_response_alg or None,
    }


def _text(value: object) -> str:
    """Return a value as text for the audit trail. The text of a JWKS is only `(keys)`."""
    return "(keys)" if isinstance(value, dict) else ", ".join(value) if isinstance(value, list) else str(value)


def _actor(client_id: str) -> str:
    return f"document:{identifier.read(client_id, loopback=True).hostname}"
