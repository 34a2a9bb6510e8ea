"""Inserts and updates single rows by plain SQL. Through the ORM, this takes ten times as many calls.

Neither sends a signal, runs validation or sets defaults of the database.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models import Model


def insert(row: Model) -> None:
    """Insert a row that is not stored yet. Raises IntegrityError if its key exists."""
    fields = row._meta.concrete_fields
    columns = ", ".join(_column(row, field.name) for field in fields)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    places = ", ".join(["%s"] * len(values))
    _execute(f"INSERT INTO {_table(row)} ({columns}) VALUES ({places})", values)  # noqa: S608 (own names)


def update(row: Model, **changes: Any) -> None:
    """Set these fields of the stored row. `row` itself does not change."""
    _update(row, changes)


def fill(row: Model, name: str, value: object) -> bool:
    """Set a field of the stored row if it is NULL there. Returns True if it was. `row` itself does not change."""
    return _update(row, {name: value}, f" AND {_column(row, name)} IS NULL") == 1


def _update(row: Model, changes: Mapping[str, Any], condition: str = "") -> int:
    """Set the fields if the stored row meets `condition`. Returns how many rows changed."""
    columns = ", ".join(f"{_column(row, name)} = %s" for name in changes)
    key = row._meta.pk
    values = [_field(row, name).get_db_prep_save(value, connection) for name, value in changes.items()]
    sql = f"UPDATE {_table(row)} SET {columns} WHERE {_column(row, key.name)} = %s{condition}"  # noqa: S608 (own names)
    return _execute(sql, [*values, key.get_db_prep_save(row.pk, connection)])


def _column(row: Model, name: str) -> str:
    return connection.ops.quote_name(_field(row, name).column)


def _field(row: Model, name: str) -> Any:
    return row._meta.get_field(name)


def _table(row: Model) -> str:
    return connection.ops.quote_name(row._meta.db_table)


def _execute(sql: str, values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)
