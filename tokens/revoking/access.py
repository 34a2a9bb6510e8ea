"""Disables and enables users and clients, and logs users out everywhere, for the command `access`."""

from datetime import datetime

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.models import Client, User
from tokens.revoking import everywhere


@registry_lock.change()
def set_active(account: User | Client, *, active: bool, reason: str, actor: str, now: datetime) -> bool:
    """Enable or disable a user or client. Returns False if it was in that state before.

    Raises RegistryLocked if another process holds the registry's lock for too long.

    Disabling ends its sessions, grants and tokens at once. Enabling restores none of them.
    """
    manager = type(account)._default_manager  # noqa: SLF001 (Django's documented name)
    # Locked, so that of two runs at once only one records the event.
    row = manager.select_for_update().get(pk=account.pk)
    if row.is_active == active:
        return False
    row.is_active = active
    row.save(update_fields=["is_active"])  # sends the signals that revoke (tokens/revoking/signals.py)
    _record("enabled" if active else "disabled", row, reason, actor=actor, now=now)
    return True


@registry_lock.change()
def log_out(user: User, *, reason: str, actor: str, now: datetime) -> None:
    """End every session, grant and token of the user, and delete the user's consents.

    Raises RegistryLocked if another process holds the registry's lock for too long.
    """
    everywhere.log_out(user, "logged out everywhere by a command")
    everywhere.withdraw_consents(user)
    _record("logged_out_everywhere", user, reason, actor=actor, now=now)


def subject(account: User | Client) -> str:
    """Return the name of the user or client in the audit trail, such as `user:ada`."""
    return f"user:{account.get_username()}" if isinstance(account, User) else f"client:{account.client_id}"


def _record(event: str, account: User | Client, reason: str, *, actor: str, now: datetime) -> None:
    """Record `user.<event>` or `client.<event>` in the audit trail."""
    action = f"{subject(account).partition(':')[0]}.{event}"
    record(action, actor=actor, subject=subject(account), details={"why": reason} if reason else {}, now=now)
