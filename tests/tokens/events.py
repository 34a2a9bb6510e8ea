"""A helper that returns the audit events which a test caused."""

from tokens.models import AuditEvent


def events():
    """Return action, actor, subject and details of each audit event, in the order in which they were recorded."""
    return [(one.action, one.actor, one.subject, one.details) for one in AuditEvent.objects.order_by("pk")]
