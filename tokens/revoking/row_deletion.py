"""Deletes expired rows by plain SQL, in batches, with the rows that refer to them.

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

AIM = 0.025
"""Seconds that a transaction should take."""
FIRST, LEAST = 250, 100
"""Rows of the first transaction, and of the smallest: on a busy machine, a small transaction takes as long as this."""


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


class ExpiredRows:
    """The rows of a query, to delete in batches. Each batch is deleted within a transaction of the caller."""

    def __init__(self, ended: "QuerySet[Any]") -> None:
        self._ended = ended
        self._model: type[Model] = ended.model
        self._referring = _referring(self._model)
        try:
            # Once: to compile the query takes longer than to delete a hundred rows.
            self._selected, self._values = ended.values_list("pk").query.sql_with_params()
        except EmptyResultSet:  # of a query that cannot match
            self._selected, self._values = "", ()

    def delete(self, *, most: int) -> int:
        """Delete up to `most` of the rows that no other transaction has locked. Returns their number."""
        if not self._selected:
            return 0
        if self._referring is None:
            return self._delete_by_django(most)
        values = (*self._values, most)
        selected = f"{self._selected} LIMIT %s{_skipping_locked()}"
        table, column = self._model._meta.db_table, str(self._model._meta.pk.column)
        if not self._referring:
            # PostgreSQL selects the rows of an array once, with every query plan.
            one_of = f"= ANY (ARRAY({selected}))" if connection.vendor == "postgresql" else f"IN ({selected})"
            return _delete(table, column, one_of, values)
        # Two steps: a statement does not see rows that refer to a row and were committed while it waited for its lock.
        with connection.cursor() as cursor:
            cursor.execute(selected, values)
            keys = [key for (key,) in cursor.fetchall()]
        for table_of, column_of in [*self._referring, (table, column)]:
            _delete_by_key(table_of, column_of, keys)
        return len(keys)

    def _delete_by_django(self, most: int) -> int:
        rows = self._ended
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        keys = list(rows.values_list("pk", flat=True)[:most])
        self._model._default_manager.filter(pk__in=keys).delete()  # noqa: SLF001 (Django's documented name)
        return len(keys)


def _skipping_locked() -> str:
    return " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""


def _referring(model: type[Model]) -> list[tuple[str, str]] | None:
    """Return the tables and columns that refer to `model`, or None if Django must delete its rows.

    Plain SQL suffices if each of them is deleted with its row, and nothing refers to it in turn.
    """
    relations = model._meta.related_objects
    if any(one.on_delete is not models.CASCADE or one.related_model._meta.related_objects for one in relations):
        return None
    return [(one.related_model._meta.db_table, str(one.field.column)) for one in relations]


def _delete_by_key(table: str, column: str, keys: Sequence[Any]) -> None:
    """Delete the rows whose `column` is one of `keys`, in the form in which the database has them."""
    if connection.vendor == "postgresql":
        _delete(table, column, "= ANY (%s)", [list(keys)])
    elif keys:
        _delete(table, column, f"IN ({', '.join(['%s'] * len(keys))})", keys)


def _delete(table: str, column: str, one_of: str, values: Sequence[Any]) -> int:
    name = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {name(table)} WHERE {name(column)} {one_of}", values)  # noqa: S608 (own names)
        return int(cursor.rowcount)
