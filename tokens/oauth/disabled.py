"""Whoever is disabled or deleted loses what was issued in their name, by whichever door it happened."""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from tokens.keys import store
from tokens.models import Client, User
from tokens.oauth import denial


@receiver(post_save, sender=User)
def user_saved(instance: User, **_: Any) -> None:
    """A user who may no longer log in has no token that works."""
    if not instance.is_active:
        user_deleted(instance)


@receiver(post_delete, sender=User)
def user_deleted(instance: User, **_: Any) -> None:
    """Nobody speaks for a user who is gone."""
    denial.deny_subject(str(instance.sub), now=store.database_now())


@receiver(post_save, sender=Client)
def client_saved(instance: Client, **_: Any) -> None:
    """A client that is not active has no token that works."""
    if not instance.is_active:
        client_deleted(instance)


@receiver(post_delete, sender=Client)
def client_deleted(instance: Client, **_: Any) -> None:
    """A client that is gone speaks for nobody."""
    denial.deny_client(instance.client_id, now=store.database_now())
