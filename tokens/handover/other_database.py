"""Connects to a database other than the issuer's own, by a URL, and translates the errors of that database.

- `connected` keeps the connection open during a `with` block.
- `translated` turns a database error into CannotConnect, which says that the other database cannot be used.
  `translated` cannot see which database raised the error. So its block must not access the issuer's own database.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import environ
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from tokens import database_errors

ALIAS = "other"
"""The name of the connection, for `using`."""
SCHEMES = ("postgres://", "postgresql://", "sqlite:///")
FORMS = "must be a URL such as postgres://user@host:5432/name or sqlite:///path"


class CannotConnect(Exception):
    """The URL is malformed, or the database cannot be used. The message does not repeat the URL."""


@contextmanager
def connected(url: str) -> Iterator[BaseDatabaseWrapper]:
    """Open a connection, named ALIAS, to the database at `url`. Close the connection after the `with` block.

    Raises CannotConnect if the URL is malformed, and what `translated` raises if the connection fails.
    """
    if not url.startswith(SCHEMES):
        raise CannotConnect(FORMS)
    try:
        config = dict(environ.Env.db_url_config(url))
    except (ValueError, ImproperlyConfigured):
        raise CannotConnect(FORMS) from None
    databases = {DEFAULT_DB_ALIAS: connections.settings[DEFAULT_DB_ALIAS], ALIAS: config}
    config = connections.configure_settings(databases)[ALIAS]
    connection: BaseDatabaseWrapper = load_backend(config["ENGINE"]).DatabaseWrapper(config, ALIAS)
    try:
        with translated():
            connection.ensure_connection()
        with _registered(connection):
            yield connection
    finally:
        connection.close()


@contextmanager
def translated() -> Iterator[None]:
    """Raise CannotConnect in place of a database error in the `with` block.

    An error that a later run can avoid, such as a lock timeout, is raised unchanged. The block must not access the
    issuer's own database, because an error of that database would be translated, too.
    """
    try:
        yield
    except Error as error:
        if database_errors.interrupted(error) or database_errors.unavailable(error):
            raise
        raise CannotConnect(f"the database cannot be used: {database_errors.message(error)}") from error


@contextmanager
def _registered(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Register the connection in Django as the database ALIAS, until the `with` block ends."""
    connections.settings[ALIAS] = connection.settings_dict
    connections[ALIAS] = connection
    try:
        yield
    finally:
        del connections[ALIAS], connections.settings[ALIAS]
