"""The Django app of the example API."""

from django.apps import AppConfig


class NotesConfig(AppConfig):
    """The example API: notes."""

    name = "resources.notes"
