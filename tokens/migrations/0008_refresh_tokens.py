import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F


def end_where_they_began(apps, _schema_editor):
    """Set `ends_at` of each existing grant to the time of its creation.

    There were no refresh tokens, so no token can be issued under these grants any more.
    """
    apps.get_model("tokens", "UserGrant").objects.update(ends_at=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0007_key_permissions"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="usergrant",
            name="tokens_user_created_652a5e_idx",
        ),
        migrations.AddField(
            model_name="usergrant",
            name="ends_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(end_where_they_began, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="usergrant",
            name="ends_at",
            field=models.DateTimeField(db_index=True, help_text="From then on, no token is issued under it."),
        ),
    ]
