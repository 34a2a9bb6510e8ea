"""A client's secrets as an administrator gives and ends them, by the admin or a script: each with its event."""

from collections.abc import Collection
from datetime import datetime

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.clients import client_secret
from tokens.models import Client, ClientSecret


class NoUse(Exception):
    """The client has no use for a secret; the message says why."""


class Ended(Exception):
    """The secret has ended, and stays so; the message says that."""


def problem(client: Client) -> str | None:
    """Why the client has no use for a secret, or None where it has one."""
    if client.is_public:
        return "A public client cannot keep a secret."
    if client.token_endpoint_auth_method not in client_secret.METHODS:
        return "This client proves itself with its own key, and has no use for a secret."
    return None


@registry_lock.change()
def give(
    client: Client, *, actor: str, now: datetime, expires_at: datetime | None = None, secret: str | None = None
) -> str:
    """Give `client` one more secret and return it: the only moment it can be read. The others stay as they are.

    `secret` is generated when None. Raises NoUse; Ended for an end that has passed; ValueError for a weak `secret`;
    RegistryLocked.
    """
    if reason := problem(client):
        raise NoUse(reason)
    if expires_at is not None and expires_at <= now:
        raise Ended(f"It would have ended already, at {expires_at:%Y-%m-%d %H:%M:%S %Z}.")
    if secret is None:
        secret = client_secret.create(client, now=now, expires_at=expires_at)
    else:
        client_secret.add(client, secret, now=now, expires_at=expires_at)
    made = ClientSecret(client=client, hint=secret[-4:], expires_at=expires_at)
    tell("client_secret.created", made, ["expires_at"], actor=actor, now=now)
    return secret


def expire(secret: ClientSecret, at: datetime | None, *, actor: str, now: datetime) -> None:
    """Let a live secret end at `at`, or never. Raises Ended for one that has ended, and where `at` has passed."""
    refuse_past(at, now=now)
    _end(secret, "expires_at", at, "client_secret.expiry_changed", actor=actor, now=now)


def revoke(secret: ClientSecret, *, actor: str, now: datetime) -> None:
    """End a live secret at once. Raises Ended for one that has ended."""
    _end(secret, "revoked_at", now, "client_secret.revoked", actor=actor, now=now)


def refuse_ended(secret: ClientSecret, *, now: datetime) -> None:
    """Raise Ended for a secret that has ended: neither its revocation nor its expiry can be moved."""
    if not secret.is_live(now=now):
        raise Ended(f"The secret {secret} has ended, and stays so: make a further one.")


def refuse_past(at: datetime | None, *, now: datetime) -> None:
    """Raise Ended for an end that has passed."""
    if at is not None and at <= now:
        raise Ended(f"{at:%Y-%m-%d %H:%M:%S %Z} has passed: revoke the secret to end it now.")


def tell(action: str, secret: ClientSecret, dates: Collection[str], *, actor: str, now: datetime) -> None:
    """Keep in the audit trail what was done to a secret: which one it is, and its `dates`."""
    told = {name: str(at) if (at := getattr(secret, name)) else None for name in dates}
    subject = f"client:{secret.client.client_id}"
    record(action, actor=actor, subject=subject, details={"secret": str(secret), **told}, now=now)


@registry_lock.change()
def _end(secret: ClientSecret, name: str, at: datetime | None, action: str, *, actor: str, now: datetime) -> None:
    kept = ClientSecret.objects.select_for_update().get(pk=secret.pk)
    refuse_ended(kept, now=now)
    setattr(kept, name, at)
    kept.save(update_fields=[name])
    setattr(secret, name, at)
    tell(action, kept, [name], actor=actor, now=now)
