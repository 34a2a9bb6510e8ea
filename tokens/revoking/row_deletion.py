"""Deletes expired rows, and the rows that refer to them, in batches. Uses plain SQL if possible.

- Lock order: the rows to be deleted, then the rows that refer to them. Every request locks in the same order.
- Rows that another transaction has locked are skipped, so that two runs share the work.
- A deletion is committed without waiting for the disk or a standby. After a crash, the next run repeats it.
- Plain SQL is used only if every foreign key that refers to the table has CASCADE, and no other table refers to the
  tables with these foreign keys. In any other case, Django deletes the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Model, QuerySet

AIM = 0.015
"""Seconds that a transaction should take: a third of the maximum in docs/performance.md."""
FIRST, LEAST = 250, 100
"""Rows of the first transaction, and the fewest of a later one. Fewer rows would not be faster on a busy machine."""


@dataclass(frozen=True, slots=True)
class BatchSize:
    """The number of rows to delete in the next transaction, at most `most`."""

    most: int
    wanted: int = FIRST

    @property
    def rows(self) -> int:
        """Return the number of rows to delete."""
        return min(self.wanted, self.most)

    def after(self, seconds: float) -> "BatchSize":
        """Return the size of the next batch, given that a transaction of this size took `seconds`.

        The aim is AIM seconds per transaction. A batch is at most 1.5 times as large as the previous one.
        """
        factor = min(AIM / max(seconds, 1e-6), 1.5)
        return replace(self, wanted=max(LEAST, int(self.rows * factor)))


@dataclass(frozen=True, slots=True)
class _Keys:
    """The primary keys of the locked rows, as an SQL condition: a column is equal to one of the keys.

    `one_of` is the SQL after the name of the column, such as `IN (%s, %s)`. `values` fill the placeholders.
    """

    one_of: str
    values: Sequence[Any]

    def delete(self, table: str, column: str) -> int:
        """Delete the rows of `table` whose `column` has the primary key of a locked row. Returns how many were deleted.

        `column` is the primary key of `table`, or a foreign key that refers to the locked rows.
        """
        return _delete(table, column, self.one_of, self.values) if self.values else 0


class ExpiredRows:
    """The rows that a query selects, to be deleted in batches. The caller opens a transaction for each batch."""

    def __init__(self, ended: "QuerySet[Any]") -> None:
        self._ended = ended
        self._model: type[Model] = ended.model
        self._referring = _referring(self._model)
        try:
            # Compiled once, because compiling the query takes longer than deleting a hundred rows.
            self._selected, self._values = ended.values_list("pk").query.sql_with_params()
        except EmptyResultSet:  # the query cannot match any row
            self._selected, self._values = "", ()

    def delete(self, *, most: int) -> int:
        """Delete up to `most` of the rows that no other transaction has locked. Returns their number."""
        if not self._selected:
            return 0
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit = off")
        if self._referring is None:
            return self._delete_by_django(most)
        values = (*self._values, most)
        selected = f"{self._selected} LIMIT %s{_skipping_locked()}"
        table, column = self._model._meta.db_table, str(self._model._meta.pk.column)
        if not self._referring:
            return self._delete_selected(selected, values)
        # Rows are locked by a statement of their own, because a statement that waits for a lock does not see referring
        # rows that were committed while it waited.
        keys = self._lock(selected, values)
        for table_of, column_of in self._referring:
            keys.delete(table_of, column_of)
        return keys.delete(table, column)

    def _lock(self, selected: str, values: Sequence[Any]) -> "_Keys":
        """Lock the rows that the SQL query `selected` finds, and return their primary keys.

        `values` are the parameters of the query.
        """
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # All keys in one text: to convert a thousand keys in Python takes longer than to delete their rows.
                kind = self._model._meta.pk.db_type(connection)
                cursor.execute(f"SELECT coalesce(array_agg(pk), '{{}}')::text FROM ({selected}) AS rows (pk)", values)  # noqa: S608 (own names)
                return _Keys(f"= ANY (%s::{kind}[])", cursor.fetchone())
            cursor.execute(selected, values)
            keys = [key for (key,) in cursor.fetchall()]
        return _Keys(f"IN ({', '.join(['%s'] * len(keys))})", keys)

    def _delete_selected(self, selected: str, values: Sequence[Any]) -> int:
        """Delete the rows that the SQL query `selected` finds, in one statement. Returns how many were deleted.

        `values` are the parameters of the query. Only for a table to which no other table refers.
        """
        table, column = self._model._meta.db_table, str(self._model._meta.pk.column)
        if connection.vendor != "postgresql":
            return _delete(table, column, f"IN ({selected})", values)
        # The place (ctid) of a locked row does not change, and is found without the index. With ARRAY, the rows are
        # selected only once, with any query plan.
        name = connection.ops.quote_name
        places = selected.replace(f"{name(table)}.{name(column)}", f"{name(table)}.ctid", 1)
        return _delete(table, "ctid", f"= ANY (ARRAY({places}))", values)

    def _delete_by_django(self, most: int) -> int:
        rows = self._ended
        if connection.features.has_select_for_update_skip_locked:
            # Without the keys: the deletion of a client locks them last (`signals.lock_client`).
            rows = rows.select_for_update(skip_locked=True, no_key=True)
        keys = list(rows.values_list("pk", flat=True)[:most])
        self._model._default_manager.filter(pk__in=keys).delete()  # noqa: SLF001 (Django's documented name)
        return len(keys)


def _skipping_locked() -> str:
    return " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""


def _referring(model: type[Model]) -> list[tuple[str, str]] | None:
    """Return (table, column) for each foreign key that refers to `model`. Returns None if Django must delete the rows.

    Django must delete the rows unless each foreign key has CASCADE and no table refers to the tables with these keys.
    """
    relations = model._meta.related_objects
    if any(
        relation.on_delete is not models.CASCADE or relation.related_model._meta.related_objects
        for relation in relations
    ):
        return None
    return [(relation.related_model._meta.db_table, str(relation.field.column)) for relation in relations]


def _delete(table: str, column: str, one_of: str, values: Sequence[Any]) -> int:
    name = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {name(table)} WHERE {name(column)} {one_of}", values)  # noqa: S608 (own names)
        return int(cursor.rowcount)
