from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0046_pushed_requests"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="client",
            name="require_signed_request_object",
            field=models.BooleanField(
                blank=True,
                help_text=(
                    "Refuse an authorization request that is not in a request object, signed by a key of the client "
                    "(RFC 9101). For clients with private_key_jwt. Off: the client may do both."
                ),
                null=True,
                verbose_name="signed requests only",
            ),
        ),
        migrations.AddField(
            model_name="pushedrequest",
            name="is_signed",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="The request was in a request object that the client signed.",
            ),
        ),
        CLIENT_TRIGGERS,
    ]
