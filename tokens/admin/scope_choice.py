"""A field with the scopes of all APIs as checkboxes, grouped by API, in two columns."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, ClassVar

from django import forms
from django.forms.models import ModelChoiceIterator

from tokens.models import Scope

TEMPLATE = "admin/tokens/widgets/scopes.html"


class GroupedByApi(ModelChoiceIterator):  # type: ignore[type-arg]  # a plain class at run time
    """An iterator over the choices of scopes. It yields one group of choices for each API."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the name of each API with the choices of its scopes."""
        for api, scopes in groupby(self.queryset, key=lambda scope: scope.api):
            yield str(api), [self.choice(scope) for scope in scopes]


class ScopeBoxes(forms.CheckboxSelectMultiple):
    """Checkboxes in groups, one group for each API."""

    template_name = TEMPLATE

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["tokens/admin.css"]}


class ScopeField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # a plain class at run time
    """The scopes of all APIs. Its value is a set of rows of Scope."""

    widget = ScopeBoxes
    iterator = GroupedByApi

    def __init__(self, **options: Any) -> None:
        scopes = Scope.objects.select_related("api").order_by("api__name", "api__identifier", "name")
        super().__init__(scopes, **options)

    def label_from_instance(self, obj: Any) -> str:
        """Return the scope's name and description."""
        return f"{obj.name}: {obj.description}" if obj.description else str(obj.name)
