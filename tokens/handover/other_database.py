"""Connects to a database other than the issuer's, by its URL, for the duration of a `with` block.

The block can also use the issuer's own database, whose errors have other remedies. So the block accesses the other
database only inside `translated`.
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
    """Open a connection, named ALIAS, to the database at `url`. Close the connection after the block.

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
    """Raise CannotConnect in place of a database error from the `with` block, which uses only the other database.

    An error that a later run can avoid, such as a lock timeout, is raised as it is.
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
