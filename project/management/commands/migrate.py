"""`migrate` for the development process: migrate both databases, or the one that --database names."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Runs Django's migrate for each database."""

    def add_arguments(self, parser: Any) -> None:
        """Declare Django's arguments, without a default for --database."""
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def get_check_kwargs(self, options: Any) -> Any:
        """Return the arguments of the system checks: they check the databases to migrate."""
        return {**super().get_check_kwargs(options), "databases": databases(options)}

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate the named database, or every one."""
        for database in databases(options):
            super().handle(*args, **{**options, "database": database})


def databases(options: dict[str, Any]) -> list[str]:
    """Return the database that the options name, or all."""
    return [options["database"]] if options["database"] else list(connections)
