"""The Django app of the example API."""

from django.apps import AppConfig


class NotesConfig(AppConfig):
    """The Django app of the example API, which stores the notes of users."""

    name = __name__.rpartition(".")[0]
