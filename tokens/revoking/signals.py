"""Revokes grants and tokens when a model is saved or deleted, by the admin, a command or any other code.

- If a user or client is disabled or deleted, all of its grants and tokens are revoked.
- If a user gets a new password, all of the user's sessions, grants and tokens end, because an attacker might know the
  old password.
- If a signing key is revoked, all tokens that the key signed are revoked.

QuerySet.update and plain SQL send no signal. If a user is disabled that way, `token_status` refuses the user's tokens.
A trigger changes the user's session epoch, which ends the sessions and grants (tokens/triggers/session_epoch.py).
"""

from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver

from tokens import registry_lock
from tokens.back_channel import session_end
from tokens.issued import revocation_record, user_grant
from tokens.keys import store
from tokens.models import Api, Client, SigningKey, User
from tokens.revoking import everywhere

NEW_PASSWORD = "_password"  # noqa: S105 (an attribute)
"""The attribute in which Django keeps a new password until the user is saved. It is not set if a hash is upgraded."""


def _rows_to_lock(instance: User | Client, origin: Any) -> list[Any]:
    """Return the primary keys of the rows to lock before `instance` is deleted.

    `origin` is the object or QuerySet whose method `delete` was called. For a QuerySet, Django sends one signal for
    each row. At the signal for the first row, returns the keys of all rows. At a later signal, returns only the key of
    `instance`.
    """
    # Django deletes the rows of a query in the order of their keys. All of them are locked before the first is deleted.
    if not (isinstance(origin, QuerySet) and origin.model is type(instance)):
        return [instance.pk]
    keys = origin.order_by("pk").values_list("pk", flat=True)
    return list(keys) if keys.first() == instance.pk else [instance.pk]


@receiver(post_save, sender=User)
def user_saved(instance: User, *, created: bool, **_: Any) -> None:
    """Revoke the grants and tokens of the saved user if the user is disabled.

    If an active user got a new password, ends all sessions, grants and tokens of the user. Ignores the first password
    of a new user.
    """
    if not instance.is_active:
        everywhere.revoke_user(instance, "its user is disabled")
    elif not created and getattr(instance, NEW_PASSWORD, None) is not None:
        everywhere.end_sessions_and_tokens(instance, "its user has a new password")


@receiver(pre_delete, sender=User)
def lock_user(instance: User, *, origin: Any = None, **_: Any) -> None:
    """Lock the users to be deleted, with their `SessionClient` rows and grants.

    Also queues logout messages for the sessions of `instance`. `origin` is the object or QuerySet whose method `delete`
    was called. At the signal for the first user of a QuerySet, locks all users of the QuerySet.
    """
    # Token issuance and `bulk.end_sessions_and_tokens_in_batches` lock in the same order, to avoid deadlocks.
    users = _rows_to_lock(instance, origin)
    list(User.objects.select_for_update().filter(pk__in=users).order_by("pk").values_list("pk"))
    session_end.lock_sessions(Q(user__in=users))
    user_grant.lock_all(Q(user__in=users))
    session_end.queue_logouts([instance.pk], now=store.database_now())


@receiver(post_delete, sender=User)
def user_deleted(instance: User, **_: Any) -> None:
    """Revoke the grants and tokens of a deleted user."""
    everywhere.revoke_user(instance, "its user is deleted")


@receiver(post_save, sender=Client)
def client_saved(instance: Client, **_: Any) -> None:
    """Revoke the grants and tokens of the saved client if the client is disabled."""
    if not instance.is_active:
        everywhere.revoke_client(instance, "its client is disabled")


@receiver(pre_delete, sender=Client)
def lock_client(instance: Client, *, origin: Any = None, **_: Any) -> None:
    """Lock the rows that the deletion of clients changes, and give the registry a new version.

    Locks, in this order: the registry, the clients to be deleted, the row with the registry's version, the clients'
    `SessionClient` rows, and the clients' grants.

    `origin` is the object or QuerySet whose method `delete` was called. At the signal for the first client of a
    QuerySet, locks all clients of the QuerySet.
    """
    registry_lock.lock()
    # Every other change of a client locks in the same order, to avoid deadlocks.
    clients = _rows_to_lock(instance, origin)
    rows = Client.objects.filter(pk__in=clients).order_by("pk").values_list("pk")
    list(rows.select_for_update(no_key=True))
    revocation_record.renew_registry()
    session_end.lock_sessions(Q(client__in=clients))
    user_grant.lock_all(Q(client__in=clients))
    # The keys are locked last: a log-out that holds the grants locks the keys of the clients at its commit, because its
    # logout messages refer to the clients.
    list(rows.select_for_update())


@receiver(pre_delete, sender=Api)
def lock_api(**_: Any) -> None:
    """Lock the registry before an API and its dependent rows are deleted."""
    registry_lock.lock()


@receiver(post_delete, sender=Client)
def client_deleted(instance: Client, **_: Any) -> None:
    """Revoke the grants and tokens of a deleted client."""
    everywhere.revoke_client(instance, "its client is deleted")


@receiver(post_save, sender=SigningKey)
def key_saved(instance: SigningKey, **_: Any) -> None:
    """Revoke the tokens that a revoked signing key signed."""
    if instance.revoked_at is not None:
        revocation_record.revoke_key(instance.kid, revoked_at=instance.revoked_at)
