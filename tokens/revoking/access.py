"""Disable and enable users and clients, and log users out everywhere, from a script."""

from datetime import datetime

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.models import Client, User
from tokens.revoking import everywhere


@registry_lock.change()
def set_active(one: User | Client, *, active: bool, reason: str, actor: str, now: datetime) -> bool:
    """Enable or disable a user or client. Returns False if that is its state already. Raises RegistryLocked.

    Disabling ends sessions, grants and tokens at once, by signals (tokens/revoking/signals.py). Enabling restores none.
    """
    kept = type(one)._default_manager.select_for_update().get(pk=one.pk)  # noqa: SLF001 (Django's documented name)
    if kept.is_active == active:
        return False
    kept.is_active = active
    kept.save(update_fields=["is_active"])
    _record("enabled" if active else "disabled", kept, reason, actor=actor, now=now)
    return True


@registry_lock.change()
def log_out(user: User, *, reason: str, actor: str, now: datetime) -> None:
    """End every session, grant and token of the user, and forget consents. Raises RegistryLocked."""
    everywhere.log_out(user, "logged out everywhere by a command")
    everywhere.withdraw_consents(user)
    _record("logged_out_everywhere", user, reason, actor=actor, now=now)


def subject(one: User | Client) -> str:
    """Return the audit trail's name of the user or client."""
    return f"user:{one.get_username()}" if isinstance(one, User) else f"client:{one.client_id}"


def _record(done: str, one: User | Client, reason: str, *, actor: str, now: datetime) -> None:
    action = f"{subject(one).partition(':')[0]}.{done}"
    record(action, actor=actor, subject=subject(one), details={"why": reason} if reason else {}, now=now)
