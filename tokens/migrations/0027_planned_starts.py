from tokens.triggers import bound_lock_wait, changed, refuse

from django.db import migrations

KEY = "tokens_signingkey"


def moved(leaves_no_room):
    """Return the SQL condition that a key's start is moved after it has begun, or moved too close to its withdrawal.

    `leaves_no_room` is the SQL condition that a token of the key could be valid after its withdrawal. A planned key can
    already have a withdrawal, because a revocation can plan another switch after it.
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
