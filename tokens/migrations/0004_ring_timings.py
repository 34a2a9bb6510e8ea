from django.db import migrations, models

from tokens.triggers import refuse


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0003_user_grants"),
    ]

    operations = [
        migrations.AddField(
            model_name="ring",
            name="assumed",
            field=models.JSONField(
                editable=False, help_text="Longer timings that plans still assume, if any.", null=True
            ),
        ),
        migrations.AddField(
            model_name="ring",
            name="assumed_until",
            field=models.DateTimeField(editable=False, help_text="When they need not be assumed any more.", null=True),
        ),
        refuse(
            "signingkey_is_withdrawn_no_earlier",
            event="UPDATE",
            table="tokens_signingkey",
            message="the withdrawal of a signing key only ever moves later",
            when="OLD.withdraw_at IS NOT NULL AND (NEW.withdraw_at IS NULL OR NEW.withdraw_at < OLD.withdraw_at)",
        ),
        refuse(
            "signingkey_stays_ended",
            event="UPDATE",
            table="tokens_signingkey",
            message="a signing key stays revoked, cancelled, destroyed and planned",
            when=(
                "(OLD.revoked_at IS NOT NULL AND (NEW.revoked_at IS NULL OR NEW.revoked_at <> OLD.revoked_at))"
                " OR (OLD.cancelled_at IS NOT NULL AND (NEW.cancelled_at IS NULL OR NEW.cancelled_at <> OLD.cancelled_at))"
                " OR (OLD.private_destroyed_at IS NOT NULL AND NEW.private_destroyed_at IS NULL)"
                " OR (OLD.sealed IS NULL AND NEW.sealed IS NOT NULL)"
                " OR (OLD.signs_at IS NOT NULL AND NEW.signs_at IS NULL)"
            ),
        ),
        refuse(
            "signingkey_signs_no_longer_for_less",
            event="UPDATE",
            table="tokens_signingkey",
            message="the longest token of a signing key only ever grows",
            when="NEW.max_lifetime < OLD.max_lifetime",
        ),
    ]
