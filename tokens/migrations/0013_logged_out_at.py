from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0012_registry_version"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="logged_out_at",
            field=models.DateTimeField(editable=False, help_text="When every session was ended.", null=True),
        ),
    ]
