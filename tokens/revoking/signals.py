"""Revokes grants and tokens when a model is saved or deleted, by the admin, a command or any other code.

- A user or client that is disabled or deleted: all of its grants and tokens.
- A user with a new password: all sessions, grants and tokens, because an attacker can know the old password.
- A signing key that is revoked: all tokens that it signed.

QuerySet.update and plain SQL send no signal. `token_status` and the session epoch cover users disabled that way.
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
"""The attribute in which Django keeps a new password until it is saved. A rehash of an old password sets none."""


def _rows_to_lock(instance: User | Client, origin: Any) -> list[Any]:
    """Return the keys of the rows to lock before a deletion. `origin` is the object whose `delete` was called."""
    # Django deletes the rows of a query in the order of their keys, so all of them are locked with the first.
    if not (isinstance(origin, QuerySet) and origin.model is type(instance)):
        return [instance.pk]
    keys = origin.order_by("pk").values_list("pk", flat=True)
    return list(keys) if keys.first() == instance.pk else [instance.pk]


@receiver(post_save, sender=User)
def user_saved(instance: User, *, created: bool, **_: Any) -> None:
    """Revoke the grants and tokens of a user who is disabled, and log out a user whose password changed."""
    if not instance.is_active:
        everywhere.revoke_user(instance, "its user is disabled")
    elif not created and getattr(instance, NEW_PASSWORD, None) is not None:
        everywhere.log_out(instance, "its user has a new password")


@receiver(pre_delete, sender=User)
def lock_user(instance: User, *, origin: Any = None, **_: Any) -> None:
    """Lock all users that a deletion removes, then their grants. Tell the clients of the user's sessions."""
    # The same order as token issuance and mass logout, to avoid deadlocks.
    users = _rows_to_lock(instance, origin)
    list(User.objects.select_for_update().filter(pk__in=users).order_by("pk").values_list("pk"))
    user_grant.lock_all(Q(user__in=users))
    session_end.all_sessions_ended(instance, now=store.database_now())


@receiver(post_delete, sender=User)
def user_deleted(instance: User, **_: Any) -> None:
    """Revoke the grants and tokens of a deleted user."""
    everywhere.revoke_user(instance, "its user is deleted")


@receiver(post_save, sender=Client)
def client_saved(instance: Client, **_: Any) -> None:
    """Revoke the grants and tokens of a client that is disabled."""
    if not instance.is_active:
        everywhere.revoke_client(instance, "its client is disabled")


@receiver(pre_delete, sender=Client)
def lock_client(instance: Client, *, origin: Any = None, **_: Any) -> None:
    """Lock, before clients are deleted: the registry, the clients, the registry's version, then their grants."""
    registry_lock.lock()
    # The same order as every other change of a client, to avoid deadlocks.
    clients = _rows_to_lock(instance, origin)
    list(Client.objects.select_for_update().filter(pk__in=clients).order_by("pk").values_list("pk"))
    revocation_record.renew_registry()
    user_grant.lock_all(Q(client__in=clients))


@receiver(pre_delete, sender=Api)
def lock_api(**_: Any) -> None:
    """Lock the registry before an API is deleted, and before the rows that the deletion cascades to."""
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
