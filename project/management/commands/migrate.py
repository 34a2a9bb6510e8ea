"""`migrate` for the process that is both issuer and API. Migrates both databases, or the one that --database names.

Only project.settings.standalone installs the app `project`, which has this command. The other settings have Django's
own `migrate`.
"""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from project.databases import API_APPS


class Command(migrate.Command):
    """Django's command `migrate`, run for each database."""

    def add_arguments(self, parser: Any) -> None:
        """Declare Django's arguments, without a default for --database."""
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def get_check_kwargs(self, options: Any) -> Any:
        """Return the arguments of the system checks, with the names of the databases to migrate."""
        return {**super().get_check_kwargs(options), "databases": databases(options)}

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate the named database, or every database.

        If no app is named, the API's database gets only the migrations of apps whose tables are in it.
        """
        for database in databases(options):
            if database == "api" and not options["app_label"]:
                # Django would apply the issuer's migrations, too. They change nothing in this database, because of
                # the router, but take as long as in the issuer's.
                for label in apps_of_the_api():
                    only = {"database": database, "app_label": label, "run_syncdb": False}
                    super().handle(*args, **{**options, **only})
            else:
                super().handle(*args, **{**options, "database": database})


def databases(options: dict[str, Any]) -> list[str]:
    """Return the name of the database in `options["database"]`, or the names of all databases if it is None."""
    return [options["database"]] if options["database"] else list(connections)


def apps_of_the_api() -> list[str]:
    """Return the labels of the apps that have migrations and whose tables are in the API's database."""
    return sorted(API_APPS & MigrationLoader(None).migrated_apps)
