import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0042_help_texts"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.CreateModel(
            name="EndedSession",
            fields=[
                ("sid", models.CharField(max_length=43, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.AddField(
            model_name="client",
            name="backchannel_logout_session_required",
            field=models.BooleanField(
                blank=True,
                help_text="Name only the session (<code>sid</code>) in logout tokens. Choose this for an application that stores the <code>sid</code> of ID tokens. Off: name the user, too; some libraries then end all sessions of the user at the application.",
                null=True,
                verbose_name="logout by session only",
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="backchannel_logout_uri",
            field=models.CharField(
                blank=True,
                help_text="The https URL to which the issuer posts a logout token when a user's session ends. Empty: the application is not told.",
                max_length=500,
                null=True,
                verbose_name="back-channel logout URI",
            ),
        ),
        CLIENT_TRIGGERS,
        migrations.AddField(
            model_name="usergrant",
            name="sid",
            field=models.CharField(
                blank=True,
                help_text="The login session in which the user allowed the client; the claim sid of ID tokens. Empty: none.",
                max_length=43,
                null=True,
                verbose_name="session",
            ),
        ),
        migrations.CreateModel(
            name="LogoutMessage",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("sub", models.CharField(max_length=36, verbose_name="subject")),
                ("sid", models.CharField(max_length=43, verbose_name="session")),
                ("created_at", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When it is sent next. While it is being sent: when another process may take it over.",
                        null=True,
                        verbose_name="next attempt",
                    ),
                ),
                ("give_up_at", models.DateTimeField(help_text="An attempt that fails after this instant is the last.")),
                ("delivered_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                (
                    "dead_at",
                    models.DateTimeField(
                        blank=True,
                        db_index=True,
                        help_text="When the last attempt failed.",
                        null=True,
                        verbose_name="given up",
                    ),
                ),
                ("failure", models.CharField(blank=True, max_length=255, verbose_name="last failure")),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="logout_messages",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("due_at"),
                        condition=models.Q(("due_at__isnull", False)),
                        name="logout_messages_to_send",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SessionClient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sid", models.CharField(help_text="The session, as in the claim sid of ID tokens.", max_length=43)),
                (
                    "last_at",
                    models.DateTimeField(db_index=True, help_text="When the client last got a code in the session."),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="session_clients",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="session_clients",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("sid", "client"), name="clients_of_a_session")],
            },
        ),
    ]
