from tokens.triggers import bound_lock_wait, changed, refuse

from django.db import migrations

KEY = "tokens_signingkey"


def moved(leaves_no_room):
    """Whether a start moves that has come, or moves later than the key's own withdrawal allows.

    A planned key can have a successor already: the flush of a revoked key, which is planned after it.
    """
    return (
        f"OLD.signs_at IS NOT NULL AND NEW.signs_at IS NOT NULL AND {changed('signs_at')}"
        " AND (OLD.signs_at <= {began} OR (NEW.withdraw_at IS NOT NULL AND NEW.signs_at > OLD.signs_at"
        f" AND {leaves_no_room}))"
    )


class Migration(migrations.Migration):
    dependencies = [("tokens", "0026_revocations")]

    operations = [
        bound_lock_wait(),
        refuse(
            "signingkey_keeps_its_start",
            event="UPDATE",
            table=KEY,
            message="the start of a signing key does not move once it signs, nor past its successor",
            when={
                "postgresql": moved("NEW.signs_at + NEW.max_lifetime > NEW.withdraw_at"),
                "sqlite": moved(
                    "julianday(NEW.signs_at) + NEW.max_lifetime / 86400000000.0 > julianday(NEW.withdraw_at)"
                ),
            },
        ),
    ]
