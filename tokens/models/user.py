"""Users, and the `sub` by which tokens name them.

- `sub` never changes and is never reused, because APIs store their data under it. A trigger refuses a change, too.
- `session_epoch` is random. Sessions and grants contain the epoch of their login. If the user gets another epoch, all
  earlier sessions and grants end.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from django.db.models.functions import Upper
from django.utils.crypto import salted_hmac


class SubjectIsImmutable(ValueError):
    """A change of a user's `sub` was refused."""


class User(AbstractUser):
    """Django's user with a subject identifier: unique, immutable, never reused (OpenID Connect Core section 2)."""

    sub = models.UUIDField("subject", default=uuid.uuid4, unique=True, editable=False)
    logged_out_at = models.DateTimeField(null=True, editable=False, help_text="When every session was ended.")

    # Written by the database (tokens/triggers/profile_change.py), so that plain SQL is noticed too.
    profile_changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When a name or the e-mail address changed; the claim updated_at."
    )
    session_epoch = models.UUIDField(
        null=True, editable=False, help_text="Random. Sessions and grants of another epoch have ended."
    )

    class Meta(AbstractUser.Meta):
        indexes = [
            models.Index(Upper("username"), name="users_by_name_in_any_case"),
            models.Index(Upper("email"), name="users_by_mail_in_any_case"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the user, but keep `session_epoch` and `profile_changed_at` of the row in the database.

        If instance and row differ in `logged_out_at`, saves the later one. Raises SubjectIsImmutable if `sub` has
        changed.
        """
        # An instance that was read before a logout everywhere would write the old epoch back, and revive the sessions.
        # So the epoch is that of the row, and `logged_out_at` is the later instant of the instance and the row.
        with transaction.atomic():
            columns = User.objects.values_list("sub", "logged_out_at", "session_epoch", "profile_changed_at")
            # The key is not locked: a transaction that waits for this one can hold grants, and refer to the user.
            row = columns.select_for_update(no_key=True).filter(pk=self.pk).first()
            if row is not None:
                sub, logged_out_at, self.session_epoch, self.profile_changed_at = row
                if str(sub) != str(self.sub):
                    raise SubjectIsImmutable("A user's sub must not change. APIs store data under it.")
                self.logged_out_at = max(filter(None, (logged_out_at, self.logged_out_at)), default=None)
            super().save(*args, **kwargs)

    def end_sessions(self, *, now: datetime) -> None:
        """End every session of the user at `now`. The caller must revoke the grants and tokens."""
        self.logged_out_at, self.session_epoch = now, uuid.uuid4()
        fields = {"logged_out_at": self.logged_out_at, "session_epoch": self.session_epoch}
        User.objects.filter(pk=self.pk).update(**fields)

    def get_session_auth_hash(self) -> str:
        """Return the value that every valid session of the user contains.

        A new password and a logout everywhere change this value, which ends the user's sessions.
        """
        return self._with_epoch(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Yield the value of `get_session_auth_hash` under each of SECRET_KEY_FALLBACKS."""
        return (self._with_epoch(value) for value in super().get_session_auth_fallback_hash())

    def _with_epoch(self, value: str) -> str:
        """Return an HMAC of three values: `value`, the time of the last logout everywhere, and `session_epoch`."""
        logged_out_at = self.logged_out_at.isoformat() if self.logged_out_at else ""
        # Without an epoch, the text is the one of earlier versions of Keyturn, so that sessions survive the upgrade.
        text = f"{value} {logged_out_at}{self.session_epoch or ''}"
        return salted_hmac("tokens.models.user", text, algorithm="sha256").hexdigest()
