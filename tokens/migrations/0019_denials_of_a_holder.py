from django.db import migrations, models
from django.db.models import Q


def forget_clients(apps, _schema_editor):
    """Clear `holder` of each existing row: it contains only a client, not the pair of client and subject."""
    apps.get_model("tokens", "Denial").objects.update(holder="")


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0018_refresh_token_families"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="denial", name="denials_of_a_client"),
        migrations.RemoveConstraint(model_name="denial", name="denial_of_a_holder_is_as_of_an_instant"),
        migrations.RenameField(model_name="denial", old_name="client_id", new_name="holder"),
        migrations.AlterField(
            model_name="denial",
            name="holder",
            field=models.CharField(
                blank=True, default="", help_text="The pair that it is gathered into.", max_length=520
            ),
        ),
        migrations.AlterField(
            model_name="denial",
            name="identifier",
            field=models.CharField(max_length=520),
        ),
        migrations.AlterField(
            model_name="denial",
            name="issued_before",
            field=models.DateTimeField(help_text="Subjects, clients, pairs: earlier tokens are denied.", null=True),
        ),
        migrations.AlterField(
            model_name="denial",
            name="kind",
            field=models.CharField(
                choices=[
                    ("jti", "one token"),
                    ("grant", "every token of one grant"),
                    ("sub", "every earlier token of a subject"),
                    ("client", "every earlier token of a client"),
                    ("pair", "every earlier token of a subject that a client got"),
                ],
                max_length=6,
            ),
        ),
        migrations.AddIndex(
            model_name="denial",
            index=models.Index(fields=["holder", "until"], name="denials_of_a_holder"),
        ),
        migrations.AddConstraint(
            model_name="denial",
            constraint=models.CheckConstraint(
                condition=Q(kind__in=["jti", "grant"], issued_before=None)
                | Q(kind__in=["sub", "client", "pair"], issued_before__isnull=False),
                name="denial_of_a_holder_is_as_of_an_instant",
            ),
        ),
        migrations.RunPython(forget_clients, migrations.RunPython.noop, elidable=True),
    ]
