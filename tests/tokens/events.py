"""A helper that returns the audit events which a test caused."""

from tokens.models import AuditEvent


def events():
    """Return action, actor, subject and details of each audit event, in the order in which they were recorded."""
    return [
        (audit_event.action, audit_event.actor, audit_event.subject, audit_event.details)
        for audit_event in AuditEvent.objects.order_by("pk")
    ]
