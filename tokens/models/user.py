"""A user: who logs in, and whom tokens name by `sub`."""

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from django.db.models.functions import Upper
from django.utils.crypto import salted_hmac


class SubjectIsImmutable(ValueError):
    """A user's `sub` was about to change: every API that stored it would take the user for someone else."""


class User(AbstractUser):
    """Django's user with a subject identifier of its own: unique, immutable, never reused (OpenID Connect Core 2)."""

    sub = models.UUIDField("subject", default=uuid.uuid4, unique=True, editable=False)
    logged_out_at = models.DateTimeField(null=True, editable=False, help_text="When every session was ended.")

    session_epoch = models.UUIDField(
        null=True, editable=False, help_text="Random. Sessions and grants of another epoch have ended."
    )

    class Meta(AbstractUser.Meta):
        indexes = [
            models.Index(Upper("username"), name="users_by_name_in_any_case"),
            models.Index(Upper("email"), name="users_by_mail_in_any_case"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, unless `sub` has changed: raises SubjectIsImmutable (a trigger refuses what goes around this).

        Never writes the epoch, so that a user who was read before a log-out everywhere cannot undo it.
        """
        with transaction.atomic():
            ends = User.objects.values_list("sub", "logged_out_at", "session_epoch")
            kept = ends.select_for_update().filter(pk=self.pk).first()
            if kept is not None:
                sub, logged_out_at, self.session_epoch = kept
                if str(sub) != str(self.sub):
                    raise SubjectIsImmutable("a user's sub never changes")
                self.logged_out_at = max(filter(None, (logged_out_at, self.logged_out_at)), default=None)
            super().save(*args, **kwargs)

    def end_sessions(self, *, now: datetime) -> None:
        """End every session of the user, and every login in them. The caller ends grants and tokens."""
        self.logged_out_at, self.session_epoch = now, uuid.uuid4()
        ended = {"logged_out_at": self.logged_out_at, "session_epoch": self.session_epoch}
        User.objects.filter(pk=self.pk).update(**ended)

    def get_session_auth_hash(self) -> str:
        """Return the value that a session must hold. It changes with the password and with the session epoch.

        The epoch changes if the user logs out everywhere or is disabled.
        """
        return self._until_logged_out(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """The same under each of SECRET_KEY_FALLBACKS."""
        return (self._until_logged_out(one) for one in super().get_session_auth_fallback_hash())

    def _until_logged_out(self, session: str) -> str:
        ended = self.logged_out_at.isoformat() if self.logged_out_at else ""
        until = f"{session} {ended}{self.session_epoch or ''}"  # sessions from before there were epochs stay valid
        return salted_hmac("tokens.models.user", until, algorithm="sha256").hexdigest()
