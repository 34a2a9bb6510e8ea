"""Check that PostgreSQL keeps acknowledged transactions after a crash (tag `durability`).

If a crash loses a revocation, the revoked token is accepted again.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 (Django's name)
from django.db import DatabaseError, connection

HINT = "Set synchronous_commit to on (or remote_apply) and fsync to on for the issuer's database."


@register("durability")
def check_durability(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return warning tokens.W310 for each PostgreSQL setting that lets a crash lose acknowledged transactions."""
    if not databases or connection.vendor != "postgresql":
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings WHERE name IN ('synchronous_commit', 'fsync')")
            switched_off = sorted(name for name, setting in cursor.fetchall() if setting == "off")
    except DatabaseError:
        return []  # other checks and /readyz report a database that cannot be reached
    return [
        Warning(
            f"PostgreSQL has {name} = off: a crash can lose acknowledged revocations.",
            hint=HINT,
            id="tokens.W310",
        )
        for name in switched_off
    ]
