from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("tokens", "0013_logged_out_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="denial",
            name="client_id",
            field=models.CharField(
                blank=True, default="", help_text="Whose tokens; empty: anybody's.", max_length=255
            ),
        ),
        migrations.AddIndex(
            model_name="denial",
            index=models.Index(fields=["client_id", "until"], name="denials_of_a_client"),
        ),
    ]
