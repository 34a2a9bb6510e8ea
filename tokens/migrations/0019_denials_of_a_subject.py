from django.db import migrations, models


def forget_clients(apps, _schema_editor):
    """Rows from before say which client they are of, and not which subject: they are gathered with no other."""
    apps.get_model("tokens", "Denial").objects.update(subject="")


class Migration(migrations.Migration):

    dependencies = [
        ("tokens", "0018_refresh_token_families"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="denial", name="denials_of_a_client"),
        migrations.RenameField(model_name="denial", old_name="client_id", new_name="subject"),
        migrations.AlterField(
            model_name="denial",
            name="subject",
            field=models.CharField(
                blank=True, default="", help_text="Whose tokens or grant (`sub`).", max_length=255
            ),
        ),
        migrations.AddIndex(
            model_name="denial",
            index=models.Index(fields=["subject", "until"], name="denials_of_a_subject"),
        ),
        migrations.RunPython(forget_clients, migrations.RunPython.noop, elidable=True),
    ]
