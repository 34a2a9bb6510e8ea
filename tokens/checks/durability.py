"""Checks that PostgreSQL keeps acknowledged transactions: after a lost revocation, the token would be accepted."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 (Django's name)
from django.db import DatabaseError, connection

HINT = "Set synchronous_commit to on (or remote_apply) and fsync to on for the issuer's database."


@register("durability")
def check_durability(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return warning tokens.W310 for each setting of PostgreSQL with which a crash loses acknowledged transactions."""
    if not databases or connection.vendor != "postgresql":
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings WHERE name IN ('synchronous_commit', 'fsync')")
            switched_off = sorted(name for name, setting in cursor.fetchall() if setting == "off")
    except DatabaseError:
        return []  # the database cannot be reached: other checks and /readyz say so
    return [
        Warning(
            f"PostgreSQL has {name} = off: a crash loses revocations that were acknowledged.",
            hint=HINT,
            id="tokens.W310",
        )
        for name in switched_off
    ]
