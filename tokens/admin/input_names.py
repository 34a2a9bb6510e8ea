"""Accessible names for inputs without a label: inputs in inline tables, and the two inputs of a date with a time."""

from typing import Any

from django import forms
from django.forms.models import BaseInlineFormSet
from django.forms.utils import pretty_name
from django.utils.translation import gettext


def name_inputs(field: forms.Field, name: str) -> None:
    """Set the `aria-label` of each input of the field to `name`.

    A field for a date with a time has two inputs. Their names end with the words "date" and "time", translated.
    """
    widgets = getattr(field.widget, "widgets", [field.widget])
    parts = [gettext("date"), gettext("time")] if len(widgets) > 1 else [""]
    for widget, part in zip(widgets, parts, strict=True):
        widget.attrs["aria-label"] = f"{name} {part}".strip()


class NamedRows(BaseInlineFormSet):  # type: ignore[type-arg]  # a plain class at run time
    """The rows of an inline table, with an accessible name for each input.

    The template shows a field's label only in the table's head, so the name of an input repeats the label. If the row
    is stored, the text of the row follows the label.
    """

    def add_fields(self, form: Any, index: int | None) -> None:
        """Add the fields of Django's formset to the form of a row, and give each visible input an accessible name."""
        super().add_fields(form, index)
        row = str(form.instance) if form.instance.pk else ""
        for name, field in form.fields.items():
            if not isinstance(field.widget, forms.HiddenInput):
                name_inputs(field, f"{field.label or pretty_name(name)} {row}".strip())
