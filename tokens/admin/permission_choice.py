"""Shows permissions as choices in the language of the page. Django stores the names of permissions in English."""

from typing import Any

from django import forms
from django.contrib.auth.models import Permission
from django.utils.translation import gettext, gettext_noop

WORDS = {
    "add": gettext_noop("Can add %(name)s"),
    "change": gettext_noop("Can change %(name)s"),
    "delete": gettext_noop("Can delete %(name)s"),
    "view": gettext_noop("Can view %(name)s"),
}
"""The names of the permissions that Django creates for each table, by the beginning of their codename."""


class PermissionField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # a plain class at run time
    """A form field for the choice of permissions."""

    def label_from_instance(self, obj: Permission) -> str:
        """Return the app, the table and the name of the permission."""
        action, _, table = obj.codename.partition("_")
        model = obj.content_type
        if action in WORDS and table == model.model:
            return f"{model.app_labeled_name} | {gettext(WORDS[action]) % {'name': model.name}}"
        return f"{model.app_labeled_name} | {gettext(obj.name)}"


def choice(field: Any) -> Any:
    """Return a copy of `field`, a form field of permissions, with translated choices."""
    return PermissionField(
        field.queryset,
        required=field.required,
        widget=field.widget,
        label=field.label,
        help_text=field.help_text,
        initial=field.initial,
    )
