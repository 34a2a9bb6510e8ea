"""The audit trail: rare security events, written once and never changed (triggers see to it on both databases)."""

from django.db import models


class AuditEvent(models.Model):
    """Something that happened to a user, a client, a grant or a key; written through tokens.audit.trail.record only."""

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=255, help_text="Who did it: a user, a client, or a command.")
    action = models.CharField(max_length=64, db_index=True, help_text="What was done: key.revoked, client.created …")
    subject = models.CharField(max_length=255, help_text="What it was done to.")
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.subject}"
