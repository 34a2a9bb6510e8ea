"""The audit trail: rare security events. It is append-only, which triggers enforce (tokens/triggers/row_rule.py)."""

from django.db import models


class AuditEvent(models.Model):
    """An event of a user, a client, a grant or a key. Only `tokens.audit.trail.record` writes events."""

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=255, help_text="The user, client or command that caused the event.")
    action = models.CharField(
        max_length=64, db_index=True, help_text="The name of the event, such as key.revoked or client.created."
    )
    subject = models.CharField(
        max_length=255, help_text="The key, client, user or other object that the event is about."
    )
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.subject}"
