"""The Django app of the example API."""

from django.apps import AppConfig


class NotesConfig(AppConfig):
    """The example API: notes."""

    name = __name__.rpartition(".")[0]
