import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0045_dpop"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="client",
            name="require_pushed_authorization_requests",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Refuse an authorization request that the client did not push to /oauth/par before (RFC 9126). "
                    "Off: the client may do both."
                ),
                null=True,
                verbose_name="pushed requests only",
            ),
        ),
        migrations.AlterField(
            model_name="client",
            name="accepts_token_endpoint_audience",
            field=models.BooleanField(
                default=False,
                help_text=(
                    "Accept also the URL of the token endpoint or of /oauth/par as the <code>aud</code> of an "
                    "assertion, not only the issuer's URL."
                ),
                verbose_name="legacy audience",
            ),
        ),
        migrations.CreateModel(
            name="PushedRequest",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("query", models.TextField(help_text="The parameters of the request, as a query.")),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "used_at",
                    models.DateTimeField(blank=True, help_text="When a browser brought the request_uri.", null=True),
                ),
                (
                    "handle",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text=(
                            "The handle under which that browser continues with the request "
                            "(tokens/views/request_store.py)."
                        ),
                        max_length=16,
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pushed_requests",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
            ],
        ),
        CLIENT_TRIGGERS,
    ]
