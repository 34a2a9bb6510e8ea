from django.db import migrations, models
from django.db.models import F


def keep_digests(apps, _schema_editor):
    """What a token was traded for is known by its digest, which says more than a row that may be gone."""
    apps.get_model("tokens", "RefreshToken").objects.exclude(previous=None).update(traded=F("previous_id"))


class Migration(migrations.Migration):

    dependencies = [
        ("tokens", "0019_denials_of_a_subject"),
    ]

    operations = [
        migrations.AddField(
            model_name="refreshtoken",
            name="traded",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The digest of the token that it was traded for, also when that is gone.",
                max_length=64,
            ),
            preserve_default=False,
        ),
        migrations.RunPython(keep_digests, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField(model_name="refreshtoken", name="previous"),
        migrations.RenameField(model_name="refreshtoken", old_name="traded", new_name="previous"),
        migrations.AddIndex(
            model_name="refreshtoken",
            index=models.Index(fields=["previous"], name="successors_of_a_refresh_token"),
        ),
    ]
