from django.db import migrations, models

from tokens.triggers import bound_lock_wait, date_profile_changes


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0029_claim_switches"),
    ]

    operations = [
        bound_lock_wait(),
        # Nullable: SQLite does not rebuild the tables for these columns, and keeps their triggers.
        migrations.AddField(
            model_name="usergrant",
            name="claims",
            field=models.JSONField(
                blank=True,
                help_text="The single claims that the client requested (OpenID Connect Core 5.5).",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="claims",
            field=models.TextField(blank=True, help_text="Claims beyond the scopes. Space-separated.", null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="profile_changed_at",
            field=models.DateTimeField(
                editable=False, help_text="When a name or the e-mail address changed; the claim updated_at.", null=True
            ),
        ),
        date_profile_changes(),
    ]
