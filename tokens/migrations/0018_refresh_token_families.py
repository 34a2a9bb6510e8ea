from django.db import migrations, models
from django.db.models import F


def begin_families(apps, _schema_editor):
    """Give each existing refresh token a family of its own. Its successors will belong to this family."""
    apps.get_model("tokens", "RefreshToken").objects.update(family=F("digest"))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0017_what_is_kept"),
    ]

    operations = [
        migrations.AddField(
            model_name="refreshtoken",
            name="family",
            field=models.CharField(
                default="", help_text="SHA-256 of what every token of the family begins with.", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="refreshtoken",
            name="expires_at",
            field=models.DateTimeField(
                db_index=True, help_text="When it can be used no more, be it for an answer that was lost."
            ),
        ),
        migrations.AddIndex(
            model_name="refreshtoken",
            index=models.Index(fields=["family"], name="refresh_tokens_of_a_family"),
        ),
        migrations.RunPython(begin_families, migrations.RunPython.noop, elidable=True),
    ]
