"""What somebody does who writes past the database's own rules."""

from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"


def by_hand(rows: "QuerySet[Any]", **columns: Any) -> None:
    """Change rows while no trigger looks; CHECKs still hold."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = 'replica'")
            rows.update(**columns)
            cursor.execute("SET LOCAL session_replication_role = 'origin'")
            return
        triggers = cursor.execute(TRIGGERS).fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        rows.update(**columns)
        for _, sql in triggers:
            cursor.execute(sql)
