"""Whoever is disabled or deleted, or has a new password, loses what was issued before: wherever models are saved."""

from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver

from tokens.issued import revocation_record, user_grant
from tokens.models import Client, SigningKey, User
from tokens.revoking import everywhere

NEW_PASSWORD = "_password"  # noqa: S105 (where Django keeps a new password until it is saved; a rehash has none)


def _deleted(instance: User | Client, origin: Any) -> list[Any]:
    """Return the keys of the rows to lock before the instance is deleted. `origin` is what `delete` was called on.

    Django deletes the rows of a query in the order of their keys, so all are locked with the first.
    """
    if not (isinstance(origin, QuerySet) and origin.model is type(instance)):
        return [instance.pk]
    keys = origin.order_by("pk").values_list("pk", flat=True)
    return list(keys) if keys.first() == instance.pk else [instance.pk]


@receiver(post_save, sender=User)
def user_saved(instance: User, *, created: bool, **_: Any) -> None:
    """A user who may no longer log in has no token that works; nor has whoever knew an old password."""
    if not instance.is_active:
        everywhere.shut_out(instance, "its user is disabled")
    elif not created and getattr(instance, NEW_PASSWORD, None) is not None:
        everywhere.log_out(instance, "its user has a new password")


@receiver(pre_delete, sender=User)
def user_is_going(instance: User, *, origin: Any = None, **_: Any) -> None:
    """Lock every user that is deleted, then their grants: the same order as token issuance and mass log-out."""
    users = _deleted(instance, origin)
    list(User.objects.select_for_update().filter(pk__in=users).order_by("pk").values_list("pk"))
    user_grant.hold(Q(user__in=users))


@receiver(post_delete, sender=User)
def user_deleted(instance: User, **_: Any) -> None:
    """Nobody speaks for a user who is gone."""
    everywhere.shut_out(instance, "its user is deleted")


@receiver(post_save, sender=Client)
def client_saved(instance: Client, **_: Any) -> None:
    """A client that is not active has no token that works."""
    if not instance.is_active:
        everywhere.shut_down(instance, "its client is disabled")


@receiver(pre_delete, sender=Client)
def client_is_going(instance: Client, *, origin: Any = None, **_: Any) -> None:
    """Lock every client that is deleted, the registry, and their grants: the order of each change of a client."""
    clients = _deleted(instance, origin)
    list(Client.objects.select_for_update().filter(pk__in=clients).order_by("pk").values_list("pk"))
    revocation_record.renew_registry()
    user_grant.hold(Q(client__in=clients))


@receiver(post_delete, sender=Client)
def client_deleted(instance: Client, **_: Any) -> None:
    """A client that is gone speaks for nobody."""
    everywhere.shut_down(instance, "its client is deleted")


@receiver(post_save, sender=SigningKey)
def key_saved(instance: SigningKey, **_: Any) -> None:
    """Revoke the tokens of a signing key that is revoked."""
    if instance.revoked_at is not None:
        revocation_record.revoke_key(instance.kid, revoked_at=instance.revoked_at)
