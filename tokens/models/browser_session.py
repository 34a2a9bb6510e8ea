"""Browser sessions as users see them in their account. The session itself is a row of django_session."""

import uuid

from django.conf import settings
from django.db import models


class BrowserSession(models.Model):
    """One login of a user in one browser."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="browser_sessions")
    # No foreign key: during an upgrade, an earlier version must still be able to delete the session.
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    session_epoch = models.UUIDField(
        null=True, editable=False, help_text="The user's session epoch. The session ends when the epoch changes."
    )
    sid = models.CharField(max_length=43, blank=True, help_text="The claim sid of the session's ID tokens, if any.")
    user_agent = models.CharField(max_length=300, blank=True)
    address = models.CharField(max_length=64, blank=True, help_text="Empty unless SESSION_ADDRESSES is on.")
    began_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["user", "-last_seen_at"], name="browser_sessions_of_a_user")]

    def __str__(self) -> str:
        return str(self.id)
