"""A user: who logs in, and whom tokens name by `sub`."""

import uuid
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models


class SubjectIsImmutable(ValueError):
    """A user's `sub` was about to change: every API that stored it would take the user for someone else."""


class User(AbstractUser):
    """Django's user with a subject identifier of its own: unique, immutable, never reused (OpenID Connect Core 2)."""

    sub = models.UUIDField("subject", default=uuid.uuid4, unique=True, editable=False)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, unless `sub` has changed: raises SubjectIsImmutable (a trigger refuses what goes around this)."""
        if self.pk and User.objects.filter(pk=self.pk).exclude(sub=self.sub).exists():
            raise SubjectIsImmutable("a user's sub never changes")
        super().save(*args, **kwargs)
