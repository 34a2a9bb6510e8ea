from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0013_logged_out_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="signingkey",
            name="vouched",
            field=models.BinaryField(editable=False, null=True),
        ),
    ]
