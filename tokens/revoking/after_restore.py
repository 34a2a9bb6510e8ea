"""Revokes again, in a database that was restored from a backup, what was revoked since the backup was made.

The lost events are read from the audit journal and from audit logs, and applied again:
1. signing keys that were revoked,
2. client secrets that were revoked or given an end,
3. users and clients that were disabled or deleted (they are disabled).

Journal and logs do not list single sessions and tokens, so these are ended for all users: sessions, user grants with
their codes and refresh tokens, remembered consents, and every access token issued so far. Finally the event
`database.restored` is recorded, with which journal and database agree again, and the marks in Redis are reset
(tokens/revoking/high_water.py). Repeating it does no harm.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction

from tokens import registry_lock
from tokens.audit import journal, trail
from tokens.audit.journal import Entry
from tokens.encryption import EncryptionKey
from tokens.issued import revocation_record
from tokens.keys import kids, store
from tokens.keys.revocation import revoke
from tokens.keys.rules.policy import Policy
from tokens.models import Client, ClientSecret, Consent, User, UserGrant
from tokens.registration import secret_rotation
from tokens.revoking import high_water

REASON = "the database was restored from a backup"
SECRETS = ("client_secret.revoked", "client_secret.expiry_changed")
PASSWORD = "user.password_changed"  # noqa: S105 (an event's name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was applied again, and what was ended for all users."""

    keys: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """client_id and the end of each secret that was revoked, or given its end."""
    users: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    passwords: tuple[str, ...] = ()
    """Users whose password was changed since the backup. The old password is valid again until they change it."""
    sessions: int = 0
    grants: int = 0
    consents: int = 0
    records: int = field(default=0)
    """Events of the journal and the logs that the database lacks."""
    older: str = ""
    """How the database is older than Redis remembers, with the remedy; "" if it is not, or if that is unknown."""
    unread: str = ""
    """The instant of the newest event that Redis remembers, if database, journal and logs all lack it."""
    marks_reset: bool = True
    """False if Redis did not remove its marks. It then goes on to call the database older."""


def apply(
    logs: Iterable[Entry],
    *,
    policy: Policy,
    encryption_keys: Sequence[EncryptionKey],
    actor: str,
    now: datetime,
    pretend: bool = False,
) -> Restored:
    """Apply the events of the journal and `logs` that the database lacks, and log all users out. Returns what was done.

    With `pretend` nothing is changed. Raises KeyProblem if a key cannot be revoked, RegistryLocked, and OSError for the
    journal.
    """
    events = sorted([*journal.entries(), *logs], key=lambda one: one.at)
    lacking = [one for one in events if not one.is_in_database()]
    older, unread = high_water.behind(now=now), _unread(events, now=now)
    reasons = _reasons(events)
    revived = [key.kid for key in kids.revived(reasons, now=store.database_now())]
    for kid in revived if not pretend else ():
        revoke(
            kid,
            reason=reasons[kid] or REASON,
            policy=policy,
            encryption_keys=encryption_keys,
            actor=actor,
            now=now,
            accept_outage=True,
        )
    with registry_lock.change():
        done = _apply(events, lacking, actor=actor, now=now)
        done = replace(done, keys=tuple(revived), records=len(lacking), older=older, unread=unread)
        details = {"keys": len(revived), "secrets": len(done.secrets), "grants": done.grants, "sessions": done.sessions}
        trail.record("database.restored", actor=actor, subject="database:issuer", details=details, now=now)
        transaction.set_rollback(pretend or transaction.get_rollback())
    return done if pretend else replace(done, marks_reset=high_water.reset(now=now))


def _unread(events: Iterable[Entry], *, now: datetime) -> str:
    newest = high_water.lost_event(now=now)
    if newest is None or any(one.at <= newest < one.at + journal.PRECISION for one in events):
        return ""
    return newest.isoformat()


def _reasons(events: Iterable[Entry]) -> dict[str, str]:
    """Return the reason of each key's revocation, by kid."""
    revoked = (one for one in events if one.action == journal.KEY_REVOKED)
    return {one.subject.removeprefix("key:"): str(one.details.get("reason", ""))[:200] for one in revoked}


def _apply(events: Sequence[Entry], lacking: Sequence[Entry], *, actor: str, now: datetime) -> Restored:
    secrets = [name for one in lacking if one.action in SECRETS for name in _end_secret(one, actor=actor, now=now)]
    users, clients = _disabled("user", events, lacking), _disabled("client", events, lacking)
    disabled: list[User | Client] = [*User.objects.filter(username__in=users, is_active=True).order_by("pk")]
    disabled += Client.objects.filter(client_id__in=clients, is_active=True).order_by("pk")
    for one in disabled:
        one.is_active = False
        one.save(update_fields=["is_active"])  # signals end sessions, grants and tokens
        subject = f"user:{one.get_username()}" if isinstance(one, User) else f"client:{one.client_id}"
        action = f"{subject.partition(':')[0]}.disabled"
        trail.record(action, actor=actor, subject=subject, details={"why": REASON}, now=now)
    revocation_record.revoke_everything(now=store.database_now())
    changed = {one.subject.removeprefix("user:") for one in lacking if one.action == PASSWORD}
    standing = UserGrant.objects.filter(revoked_at=None)
    return Restored(
        secrets=tuple(secrets),
        users=tuple(one.get_username() for one in disabled if isinstance(one, User)),
        clients=tuple(one.client_id for one in disabled if isinstance(one, Client)),
        passwords=tuple(sorted(changed)),
        sessions=Session.objects.all().delete()[0],
        grants=standing.update(revoked_at=store.database_now(), revoke_reason=REASON),
        consents=Consent.objects.all().delete()[0],
    )


def _end_secret(event: Entry, *, actor: str, now: datetime) -> list[str]:
    """End the live secrets that the event is about. Returns the name of each."""
    client_id, hint = event.subject.removeprefix("client:"), str(event.details.get("secret", "")).removeprefix("…")
    found = ClientSecret.objects.filter(client__client_id=client_id, hint=hint, created_at__lte=event.at)
    end = _instant(event.details.get("expires_at")) if event.action == "client_secret.expiry_changed" else now
    names = []
    for secret in found.select_related("client"):
        if end is None or not secret.is_live(now=now) or (secret.expires_at is not None and secret.expires_at <= end):
            continue
        if end <= now:
            secret_rotation.revoke(secret, actor=actor, now=now)
        else:
            secret_rotation.expire(secret, end, actor=actor, now=now)
        names.append(f"{client_id} {secret}")
    return names


def _disabled(noun: str, events: Iterable[Entry], lacking: Iterable[Entry]) -> list[str]:
    """Return the users or clients whose last state is disabled or deleted, if the database lacks such an event."""
    about = {one.subject for one in lacking if one.subject.startswith(f"{noun}:") and _state(one) is not None}
    last = {one.subject: state for one in events if one.subject in about and (state := _state(one)) is not None}
    return [subject.partition(":")[2] for subject, active in sorted(last.items()) if not active]


def _state(event: Entry) -> bool | None:
    """Return True or False if the event says that its subject is active or not, else None."""
    done = event.action.partition(".")[2]
    if done in ("disabled", "deleted"):
        return False
    if done == "enabled":
        return True
    values: Any = event.details.get("is_active")
    return values[-1] == "True" if done == "changed" and isinstance(values, list) and values else None


def _instant(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
