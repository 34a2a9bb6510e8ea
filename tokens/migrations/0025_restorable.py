from django.db import migrations

from tokens.triggers import bound_lock_wait, fix_search_paths, replace_inserted


class Migration(migrations.Migration):
    """Let pg_restore copy rows into tables that have triggers."""

    dependencies = [
        ("tokens", "0024_session_epochs"),
    ]

    operations = [
        bound_lock_wait(),
        replace_inserted("registryversion_is_replaced", table="tokens_registryversion"),
        fix_search_paths(),
    ]
