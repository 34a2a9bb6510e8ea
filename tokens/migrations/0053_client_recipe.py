from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# The triggers of the registry's version name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0052_delegation"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="client",
            name="recipe",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="The recipe of create_client --for that registered the client.",
                max_length=60,
                null=True,
            ),
        ),
        CLIENT_TRIGGERS,
    ]
