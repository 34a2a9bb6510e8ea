from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0054_browser_sessions"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="client",
            name="id_token_signed_response_alg",
            field=models.CharField(
                blank=True,
                choices=[("RS256", "RS256"), ("PS256", "PS256"), ("ES256", "ES256"), ("EdDSA", "EdDSA")],
                help_text=(
                    "The algorithm that signs the client's ID tokens and logout tokens. Empty: that of the default "
                    "ring. Another one needs a ring of its own: manage.py rotate_keys --ring id-ES256 --algorithm "
                    "ES256."
                ),
                max_length=10,
                null=True,
                verbose_name="algorithm of ID tokens",
            ),
        ),
        CLIENT_TRIGGERS,
    ]
