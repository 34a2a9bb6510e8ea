from django.db import migrations

from tokens.triggers import bound_lock_wait, index_concurrently


class Migration(migrations.Migration):
    """Index the beginning of e-mail addresses, by which the admin searches them. Writes go on meanwhile."""

    atomic = False
    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("tokens", "0056_imported_secrets"),
    ]

    operations = [
        bound_lock_wait(),
        index_concurrently(
            "addresses_by_prefix", table="account_emailaddress", columns="upper(email) text_pattern_ops"
        ),
    ]
