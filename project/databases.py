"""Keeps the API's tables in the API's own database where both run in one process (project.settings.standalone)."""

from typing import Any

from django.db.models import Model

API_APPS = {"resources", "notes"}


class Router:
    """A Django database router."""

    def db_for_read(self, model: type[Model], **_hints: Any) -> str:
        """Where rows of `model` are read."""
        return "api" if model._meta.app_label in API_APPS else "default"

    db_for_write = db_for_read

    def allow_relation(self, one: Model, other: Model, **_hints: Any) -> bool:
        """Only rows of one database may be related."""
        # not type(): request.user is a lazy object, and only its __class__ is that of the row
        return self.db_for_read(one.__class__) == self.db_for_read(other.__class__)

    def allow_migrate(self, db: str, app_label: str, **_hints: Any) -> bool:
        """Every table lives in exactly one database."""
        return (db == "api") == (app_label in API_APPS)
