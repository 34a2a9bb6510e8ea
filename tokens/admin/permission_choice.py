"""Permissions as choices in the language of the page. Django stores their names in the database, in English."""

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
"""By the beginning of the codename: the permissions that Django makes for each table."""


class PermissionField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # a plain class at run time
    """The choice of permissions."""

    def label_from_instance(self, obj: Permission) -> str:
        """Return the app, the table and the name of the permission."""
        action, _, table = obj.codename.partition("_")
        model = obj.content_type
        if action in WORDS and table == model.model:
            return f"{model.app_labeled_name} | {gettext(WORDS[action]) % {'name': model.name}}"
        return f"{model.app_labeled_name} | {gettext(obj.name)}"


def choice(field: Any) -> Any:
    """Return the form field `field` of permissions with translated choices."""
    return PermissionField(
        field.queryset,
        required=field.required,
        widget=field.widget,
        label=field.label,
        help_text=field.help_text,
        initial=field.initial,
    )
