"""Write database rows that the database's own rules forbid.

An attacker with the privileges of the database's owner can do that.
"""

from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
CHECKS = """
    SELECT conrelid::regclass::text, conname FROM pg_constraint
    WHERE contype = 'c' AND conrelid::regclass::text IN ('tokens_ring', 'tokens_signingkey')"""

INDEXES = ("one_standby_per_ring", "one_unsuperseded_key_per_ring")


def by_hand(rows: "QuerySet[Any]", **columns: Any) -> None:
    """Change rows while the database's own rules are switched off.

    Triggers are restored afterwards. CHECKs and indexes are restored only by the rollback of the test.
    """
    change = {"sqlite": _on_sqlite, "postgresql": _on_postgresql}[connection.vendor]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else pending checks forbid ALTER TABLE
        for name in INDEXES:
            cursor.execute(f"DROP INDEX IF EXISTS {name}")
        change(cursor, rows, columns)


def _on_sqlite(cursor: Any, rows: "QuerySet[Any]", columns: dict[str, Any]) -> None:
    triggers = cursor.execute(TRIGGERS).fetchall()
    for name, _ in triggers:
        cursor.execute(f"DROP TRIGGER {name}")
    cursor.execute("PRAGMA ignore_check_constraints = ON")
    rows.update(**columns)
    cursor.execute("PRAGMA ignore_check_constraints = OFF")
    for _, sql in triggers:
        cursor.execute(sql)


def _on_postgresql(cursor: Any, rows: "QuerySet[Any]", columns: dict[str, Any]) -> None:
    for table, name in cursor.execute(CHECKS).fetchall():
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    cursor.execute("SET LOCAL session_replication_role = 'replica'")
    rows.update(**columns)
    cursor.execute("SET LOCAL session_replication_role = 'origin'")
