"""Reads a row and the rows to which its foreign keys refer, by one SQL statement that is composed only once.

The ORM composes the SQL again for each query, which is most of the Python work of a query. The instances are those that
the ORM would return for `select_related`. The rows are locked in the order in which `lock` names them.

    CODES = JoinedRows(AuthorizationCode, "grant", "grant__user", where="digest = %s", lock=("grant", ""))
    code = CODES.first([digest])
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db.models import Field, Model
from django.db.models.constants import LOOKUP_SEP

from tokens import plain_sql

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class _Part:
    """A model in the query (the query's own model or a related model), with its columns in the SELECT.

    A related model is joined by the foreign key `by` of another model in the query. `of` is the path of that other
    model, such as `grant`, or "" for the query's own model. The query's own model is not joined, so `by` and `of` are
    None.
    """

    model: type[Model]
    names: tuple[str, ...]
    """The attributes of the instance, in the order of the columns."""
    columns: slice
    of: str | None = None
    by: Any = None


class JoinedRows(Generic[M]):
    """A query for rows of a model, together with related rows.

    - `related` are the paths of the related rows, as in `select_related`. `grant` must come before `grant__user`. Each
      path must consist of foreign keys that are not NULL. Each table may occur only once.
    - `where` is an SQL condition. It names columns of the model, or of a related model as `"table"."column"`.
    - `lock` are the paths of the rows to lock until the transaction ends, in the order of locking. The path "" is the
      model's own row.
    - `only` maps a path to the fields of that row to read. The other fields are deferred.
    - `further` is an SQL expression. `first_with` returns its value, too.
    """

    def __init__(
        self,
        model: type[M],
        *related: str,
        where: str,
        lock: Sequence[str] = (),
        only: Mapping[str, Collection[str]] | None = None,
        further: str = "NULL",
    ) -> None:
        self._model, self._related = model, related
        self._where, self._lock, self._further = where, lock, further
        self._only = only or {}

    def first(self, values: Sequence[Any]) -> M | None:
        """Return the row that meets the condition `where`, or None. `values` fill the placeholders of `where`."""
        return self.first_with(values)[0]

    def first_with(self, values: Sequence[Any]) -> tuple[M | None, Any]:
        """Return the row that meets the condition `where`, and the value of the SQL expression `further`.

        Returns None for both if there is no such row. `values` fill the placeholders of `where`.
        """
        with plain_sql.cursor() as cursor:
            cursor.execute(self._statement, values)
            row = cursor.fetchone()
        return (None, None) if row is None else (self._instance(row), row[-1])

    def _instance(self, row: Sequence[Any]) -> M:
        """Return the model's instance for a row of the result, with the instances for its related rows."""
        alias, values = plain_sql.backend().alias, plain_sql.converted(row, self._conversions)
        instances: dict[str, Model] = {}
        for path, part in self._parts.items():
            instances[path] = part.model.from_db(alias, part.names, values[part.columns])
            if part.of is not None:
                part.by.set_cached_value(instances[part.of], instances[path])
                if part.by.unique:
                    part.by.remote_field.set_cached_value(instances[path], instances[part.of])
        return instances[""]  # type: ignore[return-value]

    @cached_property
    def _parts(self) -> dict[str, _Part]:
        """Return the parts of the query by their paths, each with its slice of the selected columns."""
        parts, start = dict[str, _Part](), 0
        for path in ("", *self._related):
            of, _, name = path.rpartition(LOOKUP_SEP)
            by: Any = parts[of].model._meta.get_field(name) if path else None
            model = by.related_model if by else self._model
            names = tuple(field.attname for field in self._fields(path, model))
            parts[path] = _Part(model, names, slice(start, start + len(names)), of if path else None, by)
            start += len(names)
        return parts

    def _fields(self, path: str, model: type[Model]) -> list["Field[Any, Any]"]:
        only = self._only.get(path)
        return [field for field in model._meta.concrete_fields if only is None or field.name in only]

    @cached_property
    def _columns(self) -> list[Any]:
        """Return the columns that are read, as expressions (`Col`) of the ORM, which convert the columns' values."""
        parts = self._parts.items()
        return [
            field.get_col(part.model._meta.db_table) for path, part in parts for field in self._fields(path, part.model)
        ]

    @cached_property
    def _conversions(self) -> list[tuple[int, Any]]:
        return plain_sql.conversions(self._columns)

    @cached_property
    def _statement(self) -> str:
        """Return the SELECT statement, with FOR UPDATE for the rows to lock if the database supports it."""
        database = plain_sql.backend()
        quote = database.ops.quote_name

        def column(table: str, name: str) -> str:
            return f"{quote(table)}.{quote(name)}"

        listed = ", ".join(column(expression.alias, expression.target.column) for expression in self._columns)
        sql = f"SELECT {listed}, {self._further} FROM {quote(self._model._meta.db_table)}"  # noqa: S608 (own names)
        for part in self._parts.values():
            if part.of is not None:
                here, there, pk = self._parts[part.of].model._meta.db_table, part.model._meta, part.by.target_field
                key = column(there.db_table, pk.column)
                sql += f" INNER JOIN {quote(there.db_table)} ON ({column(here, part.by.column)} = {key})"
        sql += f" WHERE {self._where}"
        if self._lock and database.features.has_select_for_update:
            sql += " FOR UPDATE OF " + ", ".join(quote(self._parts[path].model._meta.db_table) for path in self._lock)
        return sql
