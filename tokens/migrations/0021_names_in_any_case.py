from django.db import migrations, models
from django.db.models.functions import Upper

BY_MAIL = "CREATE INDEX verified_mail_in_any_case ON account_emailaddress (UPPER(email))"


class Migration(migrations.Migration):
    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("tokens", "0020_successors_outlive"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(Upper("username"), name="users_by_name_in_any_case"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(Upper("email"), name="users_by_mail_in_any_case"),
        ),
        migrations.RunSQL(BY_MAIL, "DROP INDEX verified_mail_in_any_case"),
    ]
