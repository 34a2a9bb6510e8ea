from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0044_required_class"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.CreateModel(
            name="UsedProof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.AddField(
            model_name="authorizationcode",
            name="dpop_jkt",
            field=models.CharField(
                editable=False,
                help_text=(
                    "The thumbprint of the key that must redeem the code (RFC 9449 section 10). Empty: any or none."
                ),
                max_length=43,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="refreshtoken",
            name="dpop_jkt",
            field=models.CharField(
                editable=False,
                help_text=(
                    "The thumbprint of the key that a public client's refresh token is bound to (RFC 9449 section 5)."
                    " Empty: not bound."
                ),
                max_length=43,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="dpop_bound_access_tokens",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Refuse each token request without a DPoP proof, so that every access token of the client is "
                    "bound to a key that it has (RFC 9449 section 5.2). Off: tokens are bound if the client sends a "
                    "proof."
                ),
                null=True,
                verbose_name="requires DPoP",
            ),
        ),
        CLIENT_TRIGGERS,
    ]
