"""Enables and disables users and clients, logs users out everywhere, and revokes grants.

Records each change in the audit trail. The command `access`, the admin and the account pages call this module.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.issued import revocation_record, user_grant
from tokens.models import Client, Consent, User, UserGrant
from tokens.revoking import bulk, everywhere

LOGGED_OUT = "logged out everywhere"
"""The reason that is stored with the user's revoked grants. The audit event says who logged the user out, and why."""


@registry_lock.change()
def set_active(account: User | Client, *, active: bool, reason: str, actor: str, now: datetime) -> bool:
    """Enable or disable a user or client. Returns False if nothing changed.

    Disabling revokes all grants and tokens of the user or client at once, and ends a user's sessions. Enabling restores
    none of these.

    Raises RegistryLocked if another transaction holds a lock for too long.
    """
    manager = type(account)._default_manager  # noqa: SLF001 (Django's documented name)
    # Locked, so that only one of two concurrent runs records the event. The key is not locked, to avoid a deadlock: a
    # concurrent log-out can hold the grants, and its logout messages lock the keys of their clients at the commit.
    row = manager.select_for_update(no_key=True).get(pk=account.pk)
    if row.is_active == active:
        return False
    row.is_active = active
    row.save(update_fields=["is_active"])  # sends the signals that revoke (tokens/revoking/signals.py)
    _record("enabled" if active else "disabled", row, reason, actor=actor, now=now)
    return True


@registry_lock.change()
def disable_clients(clients: Sequence[Client], *, reason: str, actor: str, now: datetime) -> int:
    """Disable these clients, and revoke their grants and tokens, in one transaction. Records one event per client.

    Skips clients that are disabled already. Returns the number of clients that this call disabled.

    Raises RegistryLocked if another transaction holds a lock for too long.
    """
    chosen = Client.objects.filter(pk__in=[client.pk for client in clients], is_active=True)
    # The keys are not locked, so that a concurrent log-out can commit its logout messages (see `set_active`).
    rows = list(chosen.select_for_update(no_key=True).order_by("pk"))
    if not rows:
        return 0
    # Clients, registry, grants: the lock order of every change of clients. The signals of each `save` lock them again.
    revocation_record.renew_registry()
    user_grant.lock_all(Q(client__in=rows, revoked_at=None))
    for row in rows:
        row.is_active = False
        row.save(update_fields=["is_active"])  # sends the signals that revoke (tokens/revoking/signals.py)
        _record("disabled", row, reason, actor=actor, now=now)
    return len(rows)


@registry_lock.change()
def log_out_everywhere(user: User, *, reason: str, actor: str, now: datetime) -> None:
    """End every session, grant and token of the user, and delete the user's consents.

    `reason` is stored with the event. Raises RegistryLocked if another transaction holds a lock for too long.
    """
    everywhere.end_sessions_and_tokens(user, LOGGED_OUT)
    everywhere.withdraw_consents(user)
    _record("logged_out_everywhere", user, reason, actor=actor, now=now)


def log_out_users_everywhere(users: Sequence[User], *, reason: str, actor: str, now: datetime) -> None:
    """End every session, grant and token of these users, and delete their consents. Records one event per user.

    `reason` is stored with each event. Users are processed in batches. Each batch has a transaction of its own, unless
    the caller has opened a transaction.
    """

    def withdraw_and_record(batch: Sequence[User]) -> None:
        everywhere.withdraw_consents(*batch)
        for user in batch:
            _record("logged_out_everywhere", user, reason, actor=actor, now=now)

    # Users are locked before their consents, as when a user gives consent, to avoid deadlocks.
    bulk.end_sessions_and_tokens_in_batches(users, LOGGED_OUT, also=withdraw_and_record)


@transaction.atomic
def log_out_everywhere_by_user(user: User, *, now: datetime) -> None:
    """End every session, grant and token of a user at the user's own request, and delete the user's consents."""
    everywhere.end_sessions_and_tokens(user, LOGGED_OUT)
    everywhere.withdraw_consents(user)
    record("user.logged_out_everywhere", actor=subject(user), subject=subject(user), now=now)


@transaction.atomic
def withdraw(user: User, client: Client, *, now: datetime) -> bool:
    """Revoke all grants that the user gave to the client, and the client's tokens for the user, at the user's request.

    Also deletes the user's consents for this client. Returns False if there was nothing to revoke or delete.
    """
    # The user is locked first, as in token issuance, so that a concurrent code is issued before or after this function.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    number = everywhere.revoke_matching(Q(user=user, client=client), "withdrawn by the user")
    forgotten, _ = Consent.objects.filter(user=user, client=client).delete()
    if not (number or forgotten):
        return False
    revoke = partial(revocation_record.revoke_client_user, client.client_id, str(user.sub))
    everywhere.revoke_until_commit(revoke)  # includes tokens without a grant, such as exchanged tokens
    details = {"user": str(user.sub), "grants": number}
    record("consent.withdrawn", actor=subject(user), subject=subject(client), details=details, now=now)
    return True


@transaction.atomic
def revoke_selected(grants: "QuerySet[UserGrant]", *, reason: str, actor: str, now: datetime) -> int:
    """Revoke these grants and the tokens under them, and record an event for each grant.

    For each grant, also deletes the consents that the grant's user gave to the grant's client. Skips grants that are
    revoked already. Returns the number of grants that this call revoked.
    """
    # Every grant is locked before the first change, and consents are deleted in a fixed order, to prevent deadlocks.
    active = list(grants.filter(revoked_at=None).order_by("client_id", "user_id", "pk"))
    user_grant.lock_all(Q(pk__in=[grant.pk for grant in active]))
    for grant in active:
        user_grant.revoke(grant, reason, now=now)
        Consent.objects.filter(user=grant.user, client=grant.client).delete()
        record("grant.revoked", actor=actor, subject=f"grant:{grant}", now=now)
    return len(active)


def subject(account: User | Client) -> str:
    """Return the name of the user or client in the audit trail, such as `user:ada`."""
    return f"user:{account.get_username()}" if isinstance(account, User) else f"client:{account.client_id}"


def _record(event: str, account: User | Client, reason: str, *, actor: str, now: datetime) -> None:
    """Record `user.<event>` or `client.<event>` in the audit trail."""
    action = f"{subject(account).partition(':')[0]}.{event}"
    record(action, actor=actor, subject=subject(account), details={"why": reason} if reason else {}, now=now)
