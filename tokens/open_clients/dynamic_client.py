"""Dynamic client registration: register, read, change and delete a client (RFC 7591, RFC 7592).

1. The mode in the settings decides who may register: no client, every client, or clients with an initial access token.
2. The metadata must be valid (`dynamic_metadata`). Scopes, APIs and grant types are those of the settings.
3. The client gets a random client_id, a secret if its authentication method needs one, and a registration access token.
   Secret and token are stored as hashes, and shown once.
4. The registration access token permits the client to read, change and delete itself, and nothing else. An invalid
   token, another client's token and an unknown client_id get the same refusal.

A change replaces all metadata, except the authentication method and the secret. To change one of these two, the client
must register again.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tokens import conf, registry_lock
from tokens.audit.trail import record
from tokens.errors import OAuthError, Unavailable
from tokens.issued import one_time
from tokens.models import Client, InitialAccessToken, OpenClient, Registrar
from tokens.open_clients import dynamic_metadata, idle_client, initial_token, scope_policy
from tokens.open_clients.client_metadata import ClientMetadata
from tokens.registration import secret_rotation
from tokens.settings.open_client import RegistrationMode

NOT_SENT = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")
"""Members that a client must not send with a change (RFC 7592 section 2.2)."""
NO_CLIENT = one_time.digest("")
TOO_MANY_AFTER = 3600  # seconds
OFF = (
    "This issuer does not register clients dynamically. Its operator can register the client, or set"
    " DYNAMIC_REGISTRATION."
)
NOT_LIVE = "The initial access token is not valid, has expired, or is used up."
NOT_VALID = "The registration access token is not valid."


class BearerRefused(OAuthError):
    """The initial or registration access token is missing or not valid (RFC 6750 section 3.1)."""

    def __init__(self, description: str, *, is_missing: bool = False) -> None:
        super().__init__("invalid_token", description, status=401)
        self.is_missing = is_missing

    @property
    def headers(self) -> dict[str, str]:
        """Return the header `WWW-Authenticate`, without an error code if the request has no token."""
        return {
            "WWW-Authenticate": 'Bearer realm="registration"' + ("" if self.is_missing else ', error="invalid_token"')
        }


@dataclass(frozen=True, slots=True)
class NewClient:
    """A new client, its secret and its registration access token. The database stores secret and token as hashes."""

    client: Client
    registration_token: str = field(repr=False)
    secret: str | None = field(repr=False)


def register(members: Mapping[str, Any], bearer: str | None, *, address: str, now: datetime) -> NewClient:
    """Register a client with the metadata `members`.

    `bearer` is the bearer token of the request, and `address` is the network address of the request's sender.

    Raises:
        OAuthError: Registration is off, or the metadata is refused.
        BearerRefused: An initial access token is required, and `bearer` is not a live one.
        Unavailable: Too many clients were registered and never used.
        RegistryLocked: Another transaction held a lock for too long.
    """
    mode = conf.issuer().open_clients.registration
    if mode is RegistrationMode.OFF:
        raise OAuthError("not_found", OFF, status=404)
    if mode is RegistrationMode.TOKEN and not bearer:
        raise BearerRefused("Send an initial access token as a bearer token.", is_missing=True)
    # Checked before the metadata, whose errors only a client with a token may see, and before the lock, which delays
    # every other change of the registry.
    if mode is RegistrationMode.TOKEN and not initial_token.is_live(bearer or "", now=now):
        raise BearerRefused(NOT_LIVE)
    metadata = dynamic_metadata.judged(members)
    with registry_lock.change():
        # A later refusal rolls the transaction back, and the count with it.
        token = _used(bearer or "", now=now) if mode is RegistrationMode.TOKEN else None
        if idle_client.are_too_many(Registrar.DYNAMIC):
            raise Unavailable("Too many registered clients were never used.", retry_after=TOO_MANY_AFTER)
        client = _create(metadata)
        actor = initial_token.subject(token) if token else "registration:open"
        subject, details = f"client:{client.client_id}", {"address": address}
        record("client.created", actor=actor, subject=subject, details=details, now=now)
        usable = secret_rotation.refusal(client) is None
        secret = secret_rotation.add(client, actor=actor, now=now) if usable else None
        return NewClient(client, _add_state(client, token, now=now), secret)


def authenticate(client_id: str, bearer: str | None) -> Client:
    """Return the client `client_id` if `bearer` is its registration access token.

    Raises BearerRefused if `bearer` is not that token, if there is no such client, or if the client is blocked.
    """
    if not bearer:
        raise BearerRefused("Send the registration access token as a bearer token.", is_missing=True)
    state = OpenClient.objects.select_related("client").filter(client__client_id=client_id).first()
    stored = state.token_digest if state is not None and state.token_digest else NO_CLIENT
    # Compared in constant time, and also if there is no client, so that timing does not reveal which clients exist.
    is_right = hmac.compare_digest(stored, one_time.digest(bearer))
    if state is None or not is_right or not state.token_digest or not state.client.is_active:
        raise BearerRefused(NOT_VALID)
    return state.client


def change(client: Client, members: Mapping[str, Any], *, now: datetime) -> Client:
    """Replace the metadata of the client, and return the changed client (RFC 7592 section 2.2).

    If a field has changed, deletes the users' consents to the client.

    Raises OAuthError if the metadata is refused, BearerRefused if the client was deleted or blocked after it
    authenticated, and RegistryLocked if another transaction holds a lock for too long.
    """
    if members.get("client_id") != client.client_id:
        raise OAuthError(dynamic_metadata.INVALID, "client_id must be that of this client.")
    if sent := [name for name in (*NOT_SENT, "client_secret") if name in members]:
        raise OAuthError(dynamic_metadata.INVALID, f"Do not send {sent[0]}.")
    metadata = dynamic_metadata.judged(members)
    if metadata.token_endpoint_auth_method != client.token_endpoint_auth_method:
        raise OAuthError(dynamic_metadata.INVALID, "token_endpoint_auth_method cannot change. Register a new client.")
    with registry_lock.change():
        # The key is not locked: a log-out can hold the consents that this change deletes, and its logout messages lock
        # the client's key at the commit.
        locked = Client.objects.select_for_update(no_key=True).filter(pk=client.pk, is_active=True).first()
        if locked is None:  # deleted or blocked since it authenticated
            raise BearerRefused(NOT_VALID)
        new_values = dynamic_metadata.fields(metadata)
        changed = [name for name, value in new_values.items() if getattr(locked, name) != value]
        for name in changed:
            setattr(locked, name, new_values[name])
        dynamic_metadata.validate(locked)
        locked.save(update_fields=changed)
        if changed:  # users consented to the client before the change
            locked.consents.all().delete()
        scope_policy.apply(locked)
        subject = f"client:{client.client_id}"
        record("client.changed", actor=subject, subject=subject, details={"fields": changed}, now=now)
    return locked


def delete(client: Client, *, now: datetime) -> None:
    """Delete the client, which revokes its tokens (RFC 7592 section 2.3).

    Raises RegistryLocked if another transaction holds a lock for too long.
    """
    with registry_lock.change():
        subject = f"client:{client.client_id}"
        record("client.deleted", actor=subject, subject=subject, now=now)
        client.delete()


def _used(bearer: str, *, now: datetime) -> InitialAccessToken:
    token = initial_token.use(bearer, now=now)
    if token is None:
        raise BearerRefused(NOT_LIVE)
    return token


def _create(metadata: ClientMetadata) -> Client:
    client = Client(registered_by=Registrar.DYNAMIC, **dynamic_metadata.fields(metadata))
    client.token_endpoint_auth_method = metadata.token_endpoint_auth_method
    client.client_type = Client.CLIENT_PUBLIC if metadata.is_public else Client.CLIENT_CONFIDENTIAL
    dynamic_metadata.validate(client)
    client.save()
    scope_policy.apply(client)
    return client


def _add_state(client: Client, token: InitialAccessToken | None, *, now: datetime) -> str:
    """Store the row `OpenClient` of a new client, and return the client's registration access token.

    `token` is the initial access token that permitted the registration, or None if the settings require none.
    """
    text = one_time.new()
    OpenClient.objects.create(
        client=client,
        created_at=now,
        ends_at=now + idle_client.NEVER_USED,
        token_digest=one_time.digest(text),
        initial_token=token,
    )
    return text
