"""Create, expire and revoke a client's secrets, each with its audit event.

- A client can have several live secrets, so that a secret can be replaced without downtime.
- A secret ends when it is revoked or expires. No function makes an ended secret valid again.
- `add`, `expire` and `revoke` lock the registry. `expire` and `revoke` then check that the secret still exists and is
  live.
"""

from collections.abc import Collection
from datetime import datetime

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.clients import client_secret
from tokens.languages import sentence
from tokens.models import Client, ClientSecret

PUBLIC = sentence("A public client cannot keep a secret.")
USES_KEY = sentence("This client authenticates with its own key and does not use a secret.")


class SecretNotUsed(Exception):
    """The client does not authenticate with a secret. The message says why."""


class SecretEnded(Exception):
    """The secret was revoked or has expired, or the new expiry time has passed."""


def refusal(client: Client) -> str | None:
    """Return the reason why the client cannot have a secret, or None if it can have one."""
    return refusal_of(client.token_endpoint_auth_method, is_public=client.is_public)


def refusal_of(method: str, *, is_public: bool) -> str | None:
    """Return why a client with this authentication method and type cannot have a secret, or None if it can."""
    if is_public:
        return PUBLIC
    if method not in client_secret.METHODS:
        return USES_KEY
    return None


@registry_lock.change()
def add(
    client: Client, *, actor: str, now: datetime, expires_at: datetime | None = None, secret: str | None = None
) -> str:
    """Add a secret to the client and return the secret. Only its hash is stored. Other secrets do not change.

    If `secret` is None, a secret is generated.

    Raises:
        SecretNotUsed: The client does not authenticate with a secret.
        SecretEnded: `expires_at` has passed.
        ValueError: `secret` is too weak.
        RegistryLocked: Another transaction held a lock for too long.
    """
    if reason := refusal(client):
        raise SecretNotUsed(reason)
    if expires_at is not None and expires_at <= now:
        raise SecretEnded(
            sentence("The expiry time {expires_at:%Y-%m-%d %H:%M:%S %Z} has passed.", expires_at=expires_at)
        )
    if secret is None:
        secret = client_secret.create(client, now=now, expires_at=expires_at)
    else:
        client_secret.add(client, secret, now=now, expires_at=expires_at)
    named = ClientSecret(client=client, hint=secret[-4:], expires_at=expires_at)  # unsaved: it only names the event
    _record("client_secret.created", named, ["expires_at"], actor=actor, now=now)
    return secret


def expire(secret: ClientSecret, at: datetime | None, *, actor: str, now: datetime) -> None:
    """Let a live secret expire at `at`, or never if `at` is None.

    Raises:
        SecretEnded: The secret has ended, or `at` has passed.
        RegistryLocked: The secret was deleted, or another transaction held a lock for too long.
    """
    refuse_past(at, now=now)
    _end(secret, "expires_at", at, "client_secret.expiry_changed", actor=actor, now=now)


def revoke(secret: ClientSecret, *, actor: str, now: datetime) -> None:
    """Revoke a live secret at once.

    Raises:
        SecretEnded: The secret has ended.
        RegistryLocked: The secret was deleted, or another transaction held a lock for too long.
    """
    _end(secret, "revoked_at", now, "client_secret.revoked", actor=actor, now=now)


def refuse_ended(secret: ClientSecret, *, now: datetime) -> None:
    """Raise SecretEnded if the secret is revoked or expired."""
    if not secret.is_live(now=now):
        raise SecretEnded(
            sentence("The secret {secret} has ended and cannot be changed. Create a new secret.", secret=secret)
        )


def refuse_past(at: datetime | None, *, now: datetime) -> None:
    """Raise SecretEnded if `at`, the new expiry time of a secret, has passed. Does nothing if `at` is None."""
    if at is not None and at <= now:
        raise SecretEnded(sentence("{at:%Y-%m-%d %H:%M:%S %Z} has passed. To end the secret now, revoke it.", at=at))


def _record(action: str, secret: ClientSecret, dates: Collection[str], *, actor: str, now: datetime) -> None:
    """Record an audit event with the secret's hint and dates. `dates` are names of fields, such as `expires_at`."""
    values = {name: str(at) if (at := getattr(secret, name)) else None for name in dates}
    subject = f"client:{secret.client.client_id}"
    record(action, actor=actor, subject=subject, details={"secret": str(secret), **values}, now=now)


@registry_lock.change()
def _end(secret: ClientSecret, name: str, at: datetime | None, action: str, *, actor: str, now: datetime) -> None:
    """Set the date field `name` of the secret to `at`, and record the audit event `action`.

    Raises SecretEnded if the secret is revoked or expired, and RegistryLocked if the secret was deleted.
    """
    # Another request can have ended the secret since it was read, so the locked row is checked.
    locked = ClientSecret.objects.select_for_update(of=("self",)).filter(pk=secret.pk).first()
    if locked is None:
        raise registry_lock.deleted(sentence("The secret {secret}", secret=secret))
    refuse_ended(locked, now=now)
    setattr(locked, name, at)
    locked.save(update_fields=[name])
    setattr(secret, name, at)
    _record(action, locked, [name], actor=actor, now=now)
