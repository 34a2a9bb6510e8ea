"""Selects the rows of the audit trail that are older than ISSUER["AUDIT_RETENTION"], and records their purge.

- Without the setting, rows are kept for ever. The audit log and the journal are not purged.
- The database itself refuses to delete a row of the last 30 days (tokens/migrations/), so that neither a short setting
  nor an attacker with SQL can delete recent events.
- The newest row is kept. Keyturn compares it with the journal and with the newest event that processes recorded in
  Redis, to notice a restored database.
- A purge records an event with the instant before which rows were deleted. `purged_before` returns that instant. If the
  journal has an event that the database lacks, `manage.py after_restore` sees by that instant whether a purge or a
  restore removed the event.
"""

from datetime import datetime

from django.db.models import QuerySet

from tokens import conf
from tokens.audit import trail
from tokens.models.audit import AuditEvent

PURGED = "audit.purged"


def ended(now: datetime) -> QuerySet[AuditEvent]:
    """Return the rows that are older than the retention, oldest first, but never the newest row of the trail.

    Returns no rows if there is no retention.
    """
    retention, newest = (
        conf.issuer().audit_retention,
        AuditEvent.objects.order_by("-id").values_list("id", flat=True).first(),
    )
    if retention is None or newest is None:
        return AuditEvent.objects.none()
    return AuditEvent.objects.filter(at__lt=now - retention, id__lt=newest).order_by("at")


def record_purge(number: int, *, now: datetime) -> None:
    """Record that `number` rows older than the retention were deleted. Does nothing if `number` is 0."""
    retention = conf.issuer().audit_retention
    if number and retention is not None:
        details = {"rows": number, "before": (now - retention).isoformat()}
        trail.record(PURGED, actor="command:purge_tokens", subject="audit:events", details=details, now=now)


def purged_before() -> datetime | None:
    """Return the instant before which rows were purged, or None if there was no purge."""
    event = AuditEvent.objects.filter(action=PURGED).order_by("-id").first()
    return datetime.fromisoformat(event.details["before"]) if event else None
