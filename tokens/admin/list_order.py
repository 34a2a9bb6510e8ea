"""Finds the columns by which a list is sorted, and the rows that follow a given row in this order (keyset paging).

- The last column is unique, so that each row has one place.
- Empty values are last in ascending order and first in descending order. This is PostgreSQL's default, also for its
  indexes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Field, Model, Q
from django.db.models.expressions import OrderBy

NO_ROW = Q(pk__in=())


@dataclass(frozen=True, slots=True)
class Column:
    """A column by which a list is sorted. `name` is its field. `can_be_empty` is True if the field can be NULL."""

    name: str
    is_descending: bool
    can_be_empty: bool

    @property
    def opposite(self) -> "Column":
        """Return the same column, sorted in the opposite direction."""
        return replace(self, is_descending=not self.is_descending)

    @property
    def expression(self) -> OrderBy:
        """Return the column as an argument of `order_by`."""
        explicit = True if self.can_be_empty else None
        field = F(self.name)
        return field.desc(nulls_first=explicit) if self.is_descending else field.asc(nulls_last=explicit)

    def later(self, value: object) -> Q:
        """Return the query condition that a row's value in this column is sorted after `value`."""
        if value is None:
            return self._empty(wanted=False) if self.is_descending else NO_ROW
        return self._compared("lt" if self.is_descending else "gt", value)

    def not_earlier(self, value: object) -> Q:
        """Return the query condition that a row's value in this column is `value`, or is sorted after `value`."""
        if value is None:
            return Q() if self.is_descending else self._empty(wanted=True)
        return self._compared("lte" if self.is_descending else "gte", value)

    def same(self, value: object) -> Q:
        """Return the query condition that a row's value in this column is `value`."""
        return self._empty(wanted=True) if value is None else Q((self.name, value))

    def _compared(self, lookup: str, value: object) -> Q:
        condition = Q((f"{self.name}__{lookup}", value))
        return condition | self._empty(wanted=True) if self.can_be_empty and not self.is_descending else condition

    def _empty(self, *, wanted: bool) -> Q:
        return Q((f"{self.name}__isnull", wanted))


def columns(model: type[Model], ordering: Iterable[object]) -> tuple[Column, ...]:
    """Return the columns of a Django ordering, such as `["-at", "pk"]`.

    Returns () if an entry is not a field of the table, or if Django would sort by a related table.
    """
    by_name: dict[str, Column] = {}
    for entry in ordering:
        if (column := _column(model, entry)) is None:
            return ()
        by_name.setdefault(column.name, column)  # a repetition, as in `?o=1.1.1`, does not change the order
    return tuple(by_name.values())


def _column(model: type[Model], entry: object) -> Column | None:
    """Return the Column of an entry of a Django ordering, or None if the entry is not a sortable field of the table."""
    if not isinstance(entry, str):
        return None
    name, fields = entry.removeprefix("-"), model._meta
    try:
        field = fields.pk if name == "pk" else fields.get_field(name)
    except FieldDoesNotExist:
        return None
    if not isinstance(field, Field) or not field.concrete or field.many_to_many or _has_own_order(field, name):
        return None
    return Column(field.attname, entry.startswith("-"), field.null)


def _has_own_order(field: "Field[object, object]", name: str) -> bool:
    """Return True if `field` is a foreign key that Django would sort by the ordering of the related table."""
    related = field.related_model
    is_row = isinstance(related, type) and name != field.attname
    return is_row and bool(related._meta.ordering)  # type: ignore[union-attr]


def following(order: Sequence[Column], row: Model) -> Q:
    """Return the query condition for the rows that come after `row` in a list that is sorted by `order`."""
    first, *rest = order
    value = getattr(row, first.name)
    if not rest:
        return first.later(value)
    # The first condition follows from the others. PostgreSQL uses an index for it, and none for an OR.
    return first.not_earlier(value) & (first.later(value) | (first.same(value) & following(rest, row)))
