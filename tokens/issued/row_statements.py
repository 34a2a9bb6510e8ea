"""Inserts and updates single rows by plain SQL. Through the ORM, this takes ten times as many calls.

Neither sends a signal, runs validation or sets defaults of the database.
"""

from typing import Any

from django.db import connection
from django.db.models import Model


def insert(row: Model) -> None:
    """Insert a row that is not stored yet. Raises IntegrityError if its key exists."""
    fields = row._meta.concrete_fields
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    places = ", ".join(["%s"] * len(values))
    _execute(f"INSERT INTO {_table(row)} ({columns}) VALUES ({places})", values)  # noqa: S608 (own names)


def update(row: Model, **changes: Any) -> None:
    """Set these fields of the stored row. `row` itself does not change."""
    fields = [row._meta.get_field(name) for name in changes]
    columns = ", ".join(f"{connection.ops.quote_name(field.column)} = %s" for field in fields)
    values = [field.get_db_prep_save(value, connection) for field, value in zip(fields, changes.values(), strict=True)]
    key = row._meta.pk
    place = connection.ops.quote_name(key.column)
    sql = f"UPDATE {_table(row)} SET {columns} WHERE {place} = %s"  # noqa: S608 (own names)
    _execute(sql, [*values, key.get_db_prep_save(row.pk, connection)])


def _table(row: Model) -> str:
    return connection.ops.quote_name(row._meta.db_table)


def _execute(sql: str, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
