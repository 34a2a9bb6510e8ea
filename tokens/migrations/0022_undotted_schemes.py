from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# SQLite rebuilds the table for its column and drops the triggers; those of PostgreSQL name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0021_names_in_any_case"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="client",
            name="allows_undotted_schemes",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text=(
                    "For native applications that cannot change myapp:/callback to com.example.app:/callback. Another "
                    "application on the device can claim such a scheme and receive the code; PKCE alone protects it "
                    "then."
                ),
                verbose_name="allows schemes without a dot",
            ),
        ),
        CLIENT_TRIGGERS,
    ]
