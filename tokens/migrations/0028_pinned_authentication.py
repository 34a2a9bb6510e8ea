from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0027_planned_starts"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="client",
            name="pins_authentication_method",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Refuse the secret in the other place. For policies that require one place, such as never in a "
                    "body that a proxy logs. Off: the header and the body are accepted, one per request, which "
                    "libraries that try both need (most Go programs)."
                ),
                null=True,
                verbose_name="only the chosen authentication",
            ),
        ),
        migrations.AlterField(  # the labels only
            model_name="client",
            name="token_endpoint_auth_method",
            field=models.CharField(
                choices=[
                    ("none", "None (public client: PKCE only)"),
                    ("client_secret_basic", "Secret (client_secret_basic: in the Authorization header)"),
                    ("client_secret_post", "Secret (client_secret_post: in the body)"),
                    ("private_key_jwt", "Its own private key (RFC 7523)"),
                ],
                default="client_secret_basic",
                max_length=32,
                verbose_name="authentication",
            ),
        ),
        CLIENT_TRIGGERS,
    ]
