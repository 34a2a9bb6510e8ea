import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tokens.triggers import bound_lock_wait


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0053_client_recipe"),
    ]

    operations = [
        bound_lock_wait(),
        migrations.CreateModel(
            name="BrowserSession",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("session_key", models.CharField(editable=False, max_length=40, unique=True)),
                (
                    "session_epoch",
                    models.UUIDField(
                        editable=False,
                        help_text="The user's session epoch. The session ends when the epoch changes.",
                        null=True,
                    ),
                ),
                (
                    "sid",
                    models.CharField(
                        blank=True, help_text="The claim sid of the session's ID tokens, if any.", max_length=43
                    ),
                ),
                ("user_agent", models.CharField(blank=True, max_length=300)),
                (
                    "address",
                    models.CharField(blank=True, help_text="Empty unless SESSION_ADDRESSES is on.", max_length=64),
                ),
                ("began_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField(db_index=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="browser_sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["user", "-last_seen_at"], name="browser_sessions_of_a_user")],
            },
        ),
        migrations.AddField(
            model_name="refreshtoken",
            name="last_used_at",
            field=models.DateTimeField(
                blank=True, help_text="When a refresh token that does not rotate was last used.", null=True
            ),
        ),
    ]
