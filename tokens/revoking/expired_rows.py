"""Deletes a batch of expired rows by plain SQL, with the rows that refer to them.

- Rows are locked before rows that refer to them are deleted: the lock order of every request.
- Rows that another transaction has locked are skipped, so that two runs share the work.
- A model whose deletion has further effects (signals, a relation of another kind) is deleted by Django.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Model, QuerySet

AIM = 0.02
"""Seconds that a transaction should take."""
FIRST, LEAST = 200, 20
"""Rows of the first transaction, and of the smallest."""


@dataclass(frozen=True, slots=True)
class BatchSize:
    """The number of rows for the next transaction, at most `most`."""

    most: int
    wanted: int = FIRST

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return min(self.wanted, self.most)

    def after(self, seconds: float) -> "BatchSize":
        """Return the next size, if a transaction of this size took `seconds`. It grows by half at most."""
        factor = min(AIM / max(seconds, 1e-6), 1.5)
        return replace(self, wanted=max(LEAST, int(self.rows * factor)))


def delete(ended: "QuerySet[Any]", *, most: int) -> int:
    """Delete up to `most` rows of `ended`, within the transaction of the caller. Returns their number."""
    if connection.features.has_select_for_update_skip_locked:
        ended = ended.select_for_update(skip_locked=True)
    model, rows = ended.model, ended.values_list("pk", flat=True)[:most]
    referring = _referring(model)
    if referring is None:
        keys = list(rows)
        model._default_manager.filter(pk__in=keys).delete()  # noqa: SLF001 (Django's documented name)
        return len(keys)
    if not referring:
        return _delete_selected(model, rows)
    # Two steps: a statement does not see rows that refer to a row and were committed while it waited for its lock.
    keys = list(rows)
    for table, column in [*referring, (model._meta.db_table, model._meta.pk.column)]:
        _delete_by_key(table, column, model._meta.pk, keys)
    return len(keys)


def _referring(model: type[Model]) -> list[tuple[str, str]] | None:
    """Return the tables and columns that refer to `model`, or None if Django must delete its rows.

    Plain SQL suffices if each of them is deleted with its row, and nothing refers to it in turn.
    """
    relations = model._meta.related_objects
    if any(one.on_delete is not models.CASCADE or one.related_model._meta.related_objects for one in relations):
        return None
    return [(one.related_model._meta.db_table, one.field.column) for one in relations]


def _delete_selected(model: type[Model], rows: "QuerySet[Any]") -> int:
    """Delete the rows by one statement, which also selects and locks them."""
    try:
        selected, values = rows.query.sql_with_params()
    except EmptyResultSet:  # of a query that cannot match
        return 0
    # By an array, PostgreSQL selects the rows once, whatever it plans.
    matches = f"= ANY (ARRAY({selected}))" if connection.vendor == "postgresql" else f"IN ({selected})"
    return _execute(model._meta.db_table, model._meta.pk.column, matches, values)


def _delete_by_key(table: str, column: str, pk: Any, keys: Sequence[Any]) -> None:
    """Delete the rows whose `column` is one of `keys`, values of the field `pk`."""
    values = [pk.get_db_prep_value(key, connection) for key in keys]
    if connection.vendor == "postgresql":
        _execute(table, column, "= ANY (%s)", [values])
    else:
        _execute(table, column, f"IN ({', '.join(['%s'] * len(values))})", values)


def _execute(table: str, column: str, matches: str, values: Sequence[Any]) -> int:
    name = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {name(table)} WHERE {name(column)} {matches}", values)  # noqa: S608 (own names)
        return cursor.rowcount
