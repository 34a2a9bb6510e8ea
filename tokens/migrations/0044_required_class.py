from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0043_back_channel"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="client",
            name="required_class",
            field=models.CharField(
                blank=True,
                choices=[
                    (
                        "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
                        "Required: an authenticator app, a recovery code or a passkey",
                    ),
                    ("phr", "Required: a passkey"),
                ],
                help_text=(
                    "Every user of this client needs it, also without acr_values. A user who has none sets one up at "
                    "the next login. Tokens that were issued before stay valid."
                ),
                max_length=100,
                null=True,
                verbose_name="second factor",
            ),
        ),
        CLIENT_TRIGGERS,
    ]
