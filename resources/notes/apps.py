"""Django's handle on the example API."""

from django.apps import AppConfig


class NotesConfig(AppConfig):
    """The example API's app."""

    name = "resources.notes"
