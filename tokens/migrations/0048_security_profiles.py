from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0047_signed_requests"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="client",
            name="security_profile",
            field=models.CharField(
                blank=True,
                choices=[("fapi2", "FAPI 2.0 Security Profile")],
                help_text=(
                    "FAPI 2.0: require pushed requests, DPoP, private_key_jwt, PKCE, and the algorithms PS256, ES256 "
                    "or EdDSA of this client, and ignore switches that say less."
                ),
                max_length=16,
                null=True,
                verbose_name="security profile",
            ),
        ),
        CLIENT_TRIGGERS,
    ]
