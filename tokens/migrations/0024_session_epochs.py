"""Adds the session epochs of users and grants.

The database renews a user's epoch if the user is disabled, also by SQL.
"""

from django.db import migrations, models

from tokens import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0023_derived_refresh_tokens"),
    ]

    operations = [
        triggers.bound_lock_wait(seconds=5),
        # Nullable: SQLite does not rebuild the tables for these columns, and keeps their triggers.
        migrations.AddField(
            model_name="user",
            name="session_epoch",
            field=models.UUIDField(
                editable=False, help_text="Random. Sessions and grants of another epoch have ended.", null=True
            ),
        ),
        migrations.AddField(
            model_name="usergrant",
            name="session_epoch",
            field=models.UUIDField(
                editable=False, help_text="The user's, in the session that allowed this.", null=True
            ),
        ),
        triggers.end_sessions_of_disabled_users(),
    ]
