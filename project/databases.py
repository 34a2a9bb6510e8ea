"""Keep the API's tables in a separate database if issuer and API share a process (project.settings.standalone)."""

from typing import Any

from django.db.models import Model

API_APPS = {"resources", "notes"}


class Router:
    """Django's database router: `resources` and `notes` are in the database `api`, all other apps in `default`."""

    def db_for_read(self, model: type[Model], **_hints: Any) -> str:
        """Return the database of `model`."""
        return "api" if model._meta.app_label in API_APPS else "default"

    db_for_write = db_for_read

    def allow_relation(self, first: Model, second: Model, **_hints: Any) -> bool:
        """Return True if the rows `first` and `second` are in the same database."""
        # __class__ and not type(), because request.user is a lazy object, whose __class__ is the class of the user
        return self.db_for_read(first.__class__) == self.db_for_read(second.__class__)

    def allow_migrate(self, db: str, app_label: str, **_hints: Any) -> bool:
        """Return True if the tables of the app belong in the database `db`."""
        return (db == "api") == (app_label in API_APPS)
