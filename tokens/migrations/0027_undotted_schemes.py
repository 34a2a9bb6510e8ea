from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0021_names_in_any_case"),
    ]

    operations = [
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
    ]
