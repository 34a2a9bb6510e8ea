from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# A hash under another key is of the same secret, and is written beside requests.
SECRET_TRIGGERS = registry(
    model="ClientSecret", unless=frozenset({"last_used_on", "digest", "encryption_key_id", "imported_hash", "hint"})
)


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0055_id_token_algorithm"),
    ]

    operations = [
        bound_lock_wait(),
        SECRET_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="clientsecret",
            name="imported_hash",
            field=models.TextField(
                editable=False,
                help_text=(
                    "The hash of another project (Django's format) until the secret is used for the first time. Empty: "
                    "none."
                ),
                null=True,
            ),
        ),
        SECRET_TRIGGERS,
    ]
