from django.db import migrations, models

from tokens.triggers import bound_lock_wait


class Migration(migrations.Migration):
    """Add the tables for the numbers of the admin's dashboard."""

    dependencies = [
        ("tokens", "0050_audit_retention"),
    ]

    operations = [
        bound_lock_wait(),
        migrations.CreateModel(
            name="ClientActivity",
            fields=[
                ("client_id", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("token_at", models.DateTimeField(null=True)),
                ("grant_type", models.CharField(db_default="", default="", max_length=255)),
                ("refused_at", models.DateTimeField(null=True)),
                ("refusal", models.CharField(db_default="", default="", max_length=255)),
            ],
            options={
                "verbose_name_plural": "client activities",
            },
        ),
        migrations.CreateModel(
            name="JobRun",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("ended_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="DailyCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("action", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=255)),
                ("number", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("day", "action", "name"), name="one_count_per_day_and_name")
                ],
            },
        ),
    ]
