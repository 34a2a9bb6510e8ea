"""The audit trail in the admin: to be read."""

from django.contrib import admin

from tokens.admin.read_only import ReadOnly
from tokens.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    """What happened, newest first."""

    list_display = ["at", "action", "subject", "actor"]
    list_filter = ["action"]
    search_fields = ["actor", "subject", "action"]
    date_hierarchy = "at"
