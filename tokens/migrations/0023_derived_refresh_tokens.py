from django.db import migrations, models

from tokens.triggers import bound_lock_wait, registry

# SQLite rebuilds the table for its column and drops the triggers; those of PostgreSQL name the columns.
CLIENT_TRIGGERS = registry(model="Client", unless=frozenset({"last_used_on"}))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0022_undotted_schemes"),
    ]

    operations = [
        bound_lock_wait(),
        CLIENT_TRIGGERS.last_backwards(),  # the last step backwards
        migrations.AddField(
            model_name="usergrant",
            name="refresh_until",
            field=models.DateTimeField(
                blank=True,
                help_text="Empty: with the grant, as in earlier versions.",
                null=True,
                verbose_name="refresh tokens end at",
            ),
        ),
        migrations.AddField(
            model_name="refreshtoken",
            name="encryption_key_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Which KEY_ENCRYPTION_KEYS entry its text was made with. Empty: random, by an earlier version.",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="refreshtoken",
            name="generation",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="How many rotations led to it; 0 for those of earlier versions."
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="requires_assertion_type",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="JWT bearer: refuse an assertion whose <code>typ</code> is not"
                " <code>authorization-grant+jwt</code>. Off: <code>JWT</code> or none is accepted, too.",
                verbose_name="strict assertion type",
            ),
        ),
        CLIENT_TRIGGERS,
    ]
