import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0035_api_switches"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="client",
            name="registered_by",
            field=models.CharField(
                blank=True,
                choices=[
                    ("document", "its metadata document (the client ID is its address)"),
                    ("dynamic", "dynamic registration"),
                ],
                editable=False,
                help_text="How the client registered itself. Empty: an operator registered it.",
                max_length=8,
                null=True,
            ),
        ),
        CLIENT_TRIGGERS,
        migrations.CreateModel(
            name="InitialAccessToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("hint", models.CharField(editable=False, help_text="Its last characters.", max_length=4)),
                ("note", models.CharField(help_text="Who got it, and for what.", max_length=100)),
                ("created_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "registrations_left",
                    models.PositiveIntegerField(help_text="How many clients it may still register."),
                ),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={"ordering": ["-created_at"]},
        ),
        migrations.CreateModel(
            name="OpenClient",
            fields=[
                (
                    "client",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="open_client",
                        serialize=False,
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "ends_at",
                    models.DateTimeField(
                        db_index=True,
                        help_text="From then on the client is deleted if it is not used and has no user grant.",
                    ),
                ),
                (
                    "fetched_at",
                    models.DateTimeField(
                        blank=True, help_text="When its document was last fetched and valid.", null=True
                    ),
                ),
                (
                    "fresh_until",
                    models.DateTimeField(blank=True, help_text="Then the document is fetched again.", null=True),
                ),
                (
                    "failure",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Why the last fetch of the document failed.",
                        max_length=255,
                    ),
                ),
                (
                    "token_digest",
                    models.CharField(
                        blank=True,
                        default="",
                        editable=False,
                        help_text="SHA-256 of the registration access token.",
                        max_length=64,
                    ),
                ),
                (
                    "initial_token",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="clients",
                        to="tokens.initialaccesstoken",
                    ),
                ),
            ],
            options={"verbose_name": "self-registered client"},
        ),
    ]
