from django.db import migrations, models
from django.db.models import F


def keep_digests(apps, _schema_editor):
    """Store the digest of each token's predecessor, because the predecessor's row can be deleted."""
    apps.get_model("tokens", "RefreshToken").objects.exclude(previous=None).update(predecessor=F("previous_id"))


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0019_denials_of_a_holder"),
    ]

    operations = [
        migrations.AddField(
            model_name="refreshtoken",
            name="predecessor",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The digest of its predecessor, also when that is gone.",
                max_length=64,
            ),
            preserve_default=False,
        ),
        migrations.RunPython(keep_digests, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField(model_name="refreshtoken", name="previous"),
        migrations.RenameField(model_name="refreshtoken", old_name="predecessor", new_name="previous"),
        migrations.AlterField(
            model_name="refreshtoken",
            name="used_at",
            field=models.DateTimeField(
                blank=True, help_text="When it was used, and a successor given for it.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="refreshtoken",
            name="retried_at",
            field=models.DateTimeField(blank=True, help_text="When it was used again: an answer was lost.", null=True),
        ),
        migrations.AddIndex(
            model_name="refreshtoken",
            index=models.Index(fields=["previous"], name="successors_of_a_refresh_token"),
        ),
    ]
