"""Inserts and updates single rows by plain SQL. The ORM needs ten times as many Python function calls.

The functions send no signal, run no validation and set no defaults of the database.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.db.models import Model

from tokens import plain_sql


def insert(row: Model) -> None:
    """Insert a row. Raises IntegrityError if a row with the same primary key exists."""
    database = plain_sql.backend()
    fields = row._meta.concrete_fields
    _execute(_insertion(type(row)), [field.get_db_prep_save(getattr(row, field.attname), database) for field in fields])


def update(row: Model, **changes: Any) -> None:
    """Write the fields in `changes` to the stored row. Does not change the object `row`."""
    _update(row, changes)


def fill(row: Model, name: str, value: object, **further: Any) -> bool:
    """Set the field `name` of the stored row to `value` if the field is NULL.

    In this case, also sets the fields in `further`, and returns True. If the field `name` has a value already, changes
    nothing and returns False. Does not change the object `row`.
    """
    return _update(row, {name: value, **further}, f" AND {_column(type(row), name)} IS NULL") == 1


def _update(row: Model, changes: Mapping[str, Any], condition: str = "") -> int:
    """Set the fields of the stored row. Returns how many rows changed: 0 or 1.

    `condition` is SQL that is added to the WHERE clause, such as ` AND "redeemed_at" IS NULL`.
    """
    database, key = plain_sql.backend(), row._meta.pk
    values = [_field(row, name).get_db_prep_save(value, database) for name, value in changes.items()]
    sql = _change(type(row), tuple(changes)) + condition
    return _execute(sql, [*values, key.get_db_prep_save(row.pk, database)])


@cache
def _insertion(model: type[Model]) -> str:
    """Return the INSERT statement for a row of the model, with a placeholder for each column."""
    names = [_column(model, field.name) for field in model._meta.concrete_fields]
    places = ", ".join(["%s"] * len(names))
    return f"INSERT INTO {_table(model)} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 (own names)


@cache
def _change(model: type[Model], names: Iterable[str]) -> str:
    """Return the UPDATE statement that sets the fields `names` of one row of the model.

    It has a placeholder for each value, and then one for the primary key.
    """
    columns = ", ".join(f"{_column(model, name)} = %s" for name in names)
    return f"UPDATE {_table(model)} SET {columns} WHERE {_column(model, model._meta.pk.name)} = %s"  # noqa: S608


@cache
def _column(model: type[Model], name: str) -> str:
    return plain_sql.backend().ops.quote_name(_field(model, name).column)


def _field(model: Model | type[Model], name: str) -> Any:
    return model._meta.get_field(name)


def _table(model: type[Model]) -> str:
    return plain_sql.backend().ops.quote_name(model._meta.db_table)


def _execute(sql: str, values: list[Any]) -> int:
    with plain_sql.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)
