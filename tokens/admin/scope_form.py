"""The form of a scope in the admin. It offers the existing groups, to which a scope can be limited."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext, gettext_lazy

from tokens.models import Scope


def group_choices() -> list[tuple[str, str]]:
    """Return the names of all groups, as choices."""
    return [(name, name) for name in Group.objects.order_by("name").values_list("name", flat=True)]


class ScopeForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """The form of a scope."""

    groups = forms.MultipleChoiceField(
        choices=group_choices,
        required=False,
        label=gettext_lazy("Only for groups"),
        help_text=Scope._meta.get_field("groups").help_text,
    )

    class Meta:
        model = Scope
        fields = ["name", "description", "groups"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A group was renamed or deleted: saving the form must not silently lift the limit.
        field, chosen = self.fields["groups"], self.instance.groups or []
        choices = group_choices()
        missing = [
            (name, gettext("%(name)s (no such group)") % {"name": name})
            for name in chosen
            if (name, name) not in choices
        ]
        field.choices = [*choices, *missing]  # type: ignore[attr-defined]

    def clean_groups(self) -> list[str] | None:
        """Return the chosen groups, or None if the scope is for every user."""
        return self.cleaned_data["groups"] or None
