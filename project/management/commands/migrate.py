"""`migrate` for the development process: both databases, unless one is named."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Django's migrate, once per database."""

    def add_arguments(self, parser: Any) -> None:
        """Take Django's own arguments, and leave the database open."""
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def get_check_kwargs(self, options: Any) -> Any:
        """Check what will be migrated."""
        return {**super().get_check_kwargs(options), "databases": databases(options)}

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate the named database, or every one."""
        for database in databases(options):
            super().handle(*args, **{**options, "database": database})


def databases(options: dict[str, Any]) -> list[str]:
    """The database that the options name, or all of them."""
    return [options["database"]] if options["database"] else list(connections)
