from django.db import migrations

from tokens.triggers import bound_lock_wait, index_concurrently

NEWEST = '"at" DESC, id DESC'


def by_prefix(name, table, column):
    """Return the operation that creates an index for `UPPER(column) LIKE 'ADA%'`, in any collation."""
    return index_concurrently(name, table=table, columns=f"upper({column}) text_pattern_ops")


class Migration(migrations.Migration):
    """Index the columns by which the admin's lists filter and search, without blocking writes."""

    atomic = False
    dependencies = [
        ("tokens", "0048_security_profiles"),
    ]

    operations = [
        bound_lock_wait(),
        index_concurrently("audit_by_actor", table="tokens_auditevent", columns=f"actor varchar_pattern_ops, {NEWEST}"),
        index_concurrently(
            "audit_by_subject", table="tokens_auditevent", columns=f"subject varchar_pattern_ops, {NEWEST}"
        ),
        index_concurrently("audit_by_event", table="tokens_auditevent", columns=f"action, {NEWEST}"),
        by_prefix("users_by_name_prefix", "tokens_user", "username"),
        by_prefix("users_by_mail_prefix", "tokens_user", "email"),
        by_prefix("users_by_first_name_prefix", "tokens_user", "first_name"),
        by_prefix("users_by_last_name_prefix", "tokens_user", "last_name"),
        index_concurrently("users_with_access", table="tokens_user", columns="username", where="is_staff"),
        index_concurrently("users_with_all_access", table="tokens_user", columns="username", where="is_superuser"),
        index_concurrently("users_that_are_disabled", table="tokens_user", columns="username", where="NOT is_active"),
        by_prefix("clients_by_name_prefix", "tokens_client", "name"),
    ]
