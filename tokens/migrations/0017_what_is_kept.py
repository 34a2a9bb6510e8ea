from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0016_key_rules"),
    ]

    operations = [
        migrations.AddField(
            model_name="denial",
            name="client_id",
            field=models.CharField(blank=True, default="", help_text="Whose tokens; empty: anybody's.", max_length=255),
        ),
        migrations.AddIndex(
            model_name="denial",
            index=models.Index(fields=["client_id", "until"], name="denials_of_a_client"),
        ),
        *(
            migrations.AlterField(model_name=model, name="expires_at", field=models.DateTimeField())
            for model in ("authorizationcode", "devicecode")
        ),
        *(
            migrations.AddIndex(
                model_name=model,
                index=models.Index("expires_at", condition=models.Q(redeemed_at=None), name=name),
            )
            for model, name in (
                ("authorizationcode", "codes_that_nobody_redeemed"),
                ("devicecode", "devices_that_got_nothing"),
            )
        ),
    ]
