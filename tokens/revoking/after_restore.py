"""Repeats the revocations that were made since a backup, after the database was restored from the backup.

The restored database lacks the audit events of these revocations. `apply` reads the events from the audit journal and
from audit logs, and makes these changes:
1. Signing keys that were revoked are revoked again.
2. Client secrets that were revoked are revoked again. Client secrets whose expiry was changed to an earlier one get
   that expiry again.
3. Users and clients that were disabled or deleted are disabled, unless they were enabled later.
4. All initial access tokens are revoked. Otherwise a token that was revoked or used up since the backup could register
   clients again.
5. All users are logged out, because journal and logs do not list single sessions and tokens. This deletes sessions and
   consents, and revokes the user grants, with their codes and refresh tokens, and every access token issued so far.
6. The event `database.restored` is recorded in the database and in the journal.
7. The high-water marks in Redis are deleted. They are newer than the restored database, so checks would report
   that the database went back in time (tokens/revoking/high_water.py).

`apply` is idempotent. A run that was interrupted must be repeated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction

from tokens import registry_lock
from tokens.audit import journal, retention, trail
from tokens.audit.journal import Entry
from tokens.issued import revocation_record
from tokens.keys import lost_revocation, store
from tokens.keys.operation import Operation
from tokens.keys.revocation import revoke
from tokens.models import Client, ClientSecret, Consent, InitialAccessToken, User, UserGrant
from tokens.open_clients import initial_token
from tokens.registration import secret_rotation
from tokens.revoking import access, high_water

REASON = "the database was restored from a backup"
SECRETS = ("client_secret.revoked", "client_secret.expiry_changed")
PASSWORD = "user.password_changed"  # noqa: S105 (an event's name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The result of a run: what was revoked or disabled again, and which problems remain.

    Keys are given by kid, users by username, and clients by client_id.
    """

    keys: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """client_id and last characters of each secret that was revoked, or whose expiry was set again."""
    users: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    passwords: tuple[str, ...] = ()
    """Users who changed their password after the backup. The old password is valid until they change it again."""
    initial_tokens: tuple[str, ...] = ()
    """Notes and last characters of the initial access tokens that were revoked."""
    sessions: int = 0
    grants: int = 0
    consents: int = 0
    records: int = 0
    """Number of events in the journal and the logs that the database lacks."""
    older: str = ""
    """The problem, with its remedy, if the database was older than the marks in Redis, else ""."""
    unread: str = ""
    """The instant of the newest event in Redis, if the database, the journal and the logs all lack it, else ""."""
    marks_reset: bool = True
    """False if Redis did not delete the marks. Checks then still report that the database is older."""


def apply(operation: Operation, logs: Iterable[Entry], *, dry_run: bool = False) -> Restored:
    """Apply the audit events that the journal or `logs` have but the database lacks, and log all users out.

    With `dry_run`, nothing is changed, and the result says what would be done.

    Raises KeyProblem if a key cannot be revoked, RegistryLocked if another transaction holds a lock for too long, and
    OSError if the journal cannot be read.
    """
    actor, now = operation.actor, operation.now
    events = sorted([*journal.entries(), *logs], key=lambda event: event.at)
    # Only events that the database lacks are applied, but the last state of an account depends on all events.
    purged = retention.purged_before()
    lacking = [event for event in events if not (purged and event.at < purged) and not event.is_in_database()]
    older, unread = high_water.report(now=now), _unread(events, now=now)
    reasons = _reasons(events)
    revived = [key.kid for key in lost_revocation.revived(reasons, now=store.database_now())]
    # Each revocation commits by itself, so that a key is revoked even if a later step fails.
    for kid in () if dry_run else revived:
        revoke(operation, kid, reason=reasons[kid] or REASON, accept_outage=True)
    with registry_lock.change():
        # Dates of tokens and secrets are the database's, and `operation.now` is this node's clock.
        now = store.database_now()
        restored = _apply(events, lacking, actor=actor, now=now)
        restored = replace(restored, keys=tuple(revived), records=len(lacking), older=older, unread=unread)
        counts = {"secrets": len(restored.secrets), "grants": restored.grants, "sessions": restored.sessions}
        details = {"keys": len(revived), **counts}
        trail.record("database.restored", actor=actor, subject="database:issuer", details=details, now=now)
        # A dry run applies the events and rolls the transaction back, so that its counts are exact.
        transaction.set_rollback(dry_run or transaction.get_rollback())
    return restored if dry_run else replace(restored, marks_reset=high_water.reset(now=now))


def _unread(events: Iterable[Entry], *, now: datetime) -> str:
    """Return the time of the newest event recorded in Redis, if neither the database nor `events` has that event.

    Returns "" if the database or `events` has the event, or if Redis has none.
    """
    newest = high_water.lost_event(now=now)
    if newest is None or any(event.at <= newest < event.at + journal.PRECISION for event in events):
        return ""
    return newest.isoformat()


def _reasons(events: Iterable[Entry]) -> dict[str, str]:
    """Return the reason of each revocation of a signing key in `events`, by kid."""
    revoked = (event for event in events if event.action == journal.KEY_REVOKED)
    return {event.subject.removeprefix("key:"): str(event.details.get("reason", ""))[:200] for event in revoked}


def _apply(events: Sequence[Entry], lacking: Sequence[Entry], *, actor: str, now: datetime) -> Restored:
    """Repeat the lost changes of secrets, users and clients, revoke all initial access tokens, and log all users out.

    `lacking` are the events that the database lacks. `events` are all events of the journal and the audit logs. A user
    or client is disabled only if the last event in `events` about the account disabled or deleted it (`_disabled`).

    Returns what was changed. The caller must open a transaction.
    """
    secrets = [
        name for event in lacking if event.action in SECRETS for name in _end_secret(event, actor=actor, now=now)
    ]
    users, clients = _disabled("user", events, lacking), _disabled("client", events, lacking)
    disabled: list[User | Client] = [*User.objects.filter(username__in=users, is_active=True).order_by("pk")]
    disabled += Client.objects.filter(client_id__in=clients, is_active=True).order_by("pk")
    for account in disabled:  # one by one, because QuerySet.update sends no signal
        account.is_active = False
        account.save(update_fields=["is_active"])  # signals end sessions, grants and tokens
        subject = access.subject(account)
        action = f"{subject.partition(':')[0]}.disabled"
        trail.record(action, actor=actor, subject=subject, details={"why": REASON}, now=now)
    initial = list(InitialAccessToken.objects.filter(revoked_at=None, expires_at__gt=now).order_by("pk"))
    for token in initial:
        initial_token.revoke(token, actor=actor, now=now)
    # Read again: saving an account can wait for a lock. A node that still runs can issue tokens during the wait.
    ended_at = store.database_now()
    revocation_record.revoke_everything(now=ended_at)
    changed = {event.subject.removeprefix("user:") for event in lacking if event.action == PASSWORD}
    live = UserGrant.objects.filter(revoked_at=None)
    return Restored(
        secrets=tuple(secrets),
        users=tuple(account.get_username() for account in disabled if isinstance(account, User)),
        clients=tuple(account.client_id for account in disabled if isinstance(account, Client)),
        passwords=tuple(sorted(changed)),
        initial_tokens=tuple(map(str, initial)),
        sessions=Session.objects.all().delete()[0],
        grants=live.update(revoked_at=ended_at, revoke_reason=REASON),
        consents=Consent.objects.all().delete()[0],
    )


def _end_secret(event: Entry, *, actor: str, now: datetime) -> list[str]:
    """Repeat what `event` did to client secrets: revoke them, or set their expiry.

    The event names its secret by the last characters only. If several secrets have these characters, changes each.

    Revokes a secret if the event revoked it, or if the expiry in the event has passed. Otherwise, sets the expiry that
    is in the event. Skips secrets that are not live, and secrets that already have the same or an earlier expiry.

    Returns `<client_id> …<last characters of the secret>` for each secret that was changed.
    """
    client_id, hint = event.subject.removeprefix("client:"), str(event.details.get("secret", "")).removeprefix("…")
    # The hint is not unique. It is safer to end two secrets with the same last characters than to end neither.
    secrets = ClientSecret.objects.filter(client__client_id=client_id, hint=hint, created_at__lte=event.at)
    end = _instant(event.details.get("expires_at")) if event.action == "client_secret.expiry_changed" else now
    names = []
    for secret in secrets.select_related("client"):
        if end is None or not secret.is_live(now=now) or (secret.expires_at is not None and secret.expires_at <= end):
            continue
        if end <= now:
            secret_rotation.revoke(secret, actor=actor, now=now)
        else:
            secret_rotation.expire(secret, end, actor=actor, now=now)
        names.append(f"{client_id} {secret}")
    return names


def _disabled(noun: str, events: Iterable[Entry], lacking: Iterable[Entry]) -> list[str]:
    """Return the names of the users or clients to disable after the restore. `noun` is "user" or "client".

    `events` are all events of the journal and the audit logs. `lacking` are those that the database lacks.

    An account is in the result if both conditions hold:
    1. `lacking` has an event that enabled, disabled or deleted the account.
    2. Of all events in `events` that enabled, disabled or deleted the account, the last did not enable it.
    """
    # The last event of all decides: a user who was enabled again after the backup stays enabled.
    about = {event.subject for event in lacking if event.subject.startswith(f"{noun}:") and _state(event) is not None}
    last = {event.subject: state for event in events if event.subject in about and (state := _state(event)) is not None}
    return [subject.partition(":")[2] for subject, active in sorted(last.items()) if not active]


def _state(event: Entry) -> bool | None:
    """Return True if the event enabled a user or client, False if the event disabled or deleted one, else None."""
    verb = event.action.partition(".")[2]
    if verb in ("disabled", "deleted"):
        return False
    if verb == "enabled":
        return True
    values: Any = event.details.get("is_active")
    return values[-1] == "True" if verb == "changed" and isinstance(values, list) and values else None


def _instant(text: object) -> datetime | None:
    """Return the instant in a value of an event's details. Returns None if the value is not a text or is malformed."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
