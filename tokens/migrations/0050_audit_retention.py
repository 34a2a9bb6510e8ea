from django.db import migrations

from tokens.triggers import Statements, bound_lock_wait, refuse

RULE = {"event": "DELETE", "table": "tokens_auditevent", "message": "the audit trail is append-only"}
always = refuse("audit_is_never_deleted", **RULE)
while_young = refuse(
    "audit_is_never_deleted",
    **RULE,
    when={
        "postgresql": "OLD.at > {now} - interval '30 days'",
        # As Django writes an instant: no row of the last 30 days is less than this text.
        "sqlite": "OLD.at > strftime('%Y-%m-%d %H:%M:%f', 'now', '-30 days')",
    },
)


class Migration(migrations.Migration):
    """Let `purge_tokens` delete events that are older than AUDIT_RETENTION, at least 30 days."""

    dependencies = [
        ("tokens", "0049_admin_lists"),
    ]

    operations = [
        bound_lock_wait(),
        Statements(while_young.forwards, always.forwards),
    ]
