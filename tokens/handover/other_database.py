"""Connects to a database other than the issuer's, by its URL, for the duration of a `with` block."""

from collections.abc import Iterator
from contextlib import contextmanager

import environ
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

ALIAS = "other"
"""The name of the connection, for `using`."""
SCHEMES = ("postgres://", "postgresql://", "sqlite:///")
FORMS = "must be a URL such as postgres://user@host:5432/name or sqlite:///path"


class CannotConnect(Exception):
    """The URL is malformed, or the database does not answer. The message does not repeat the URL."""


@contextmanager
def connected(url: str) -> Iterator[BaseDatabaseWrapper]:
    """Open a connection, named ALIAS, to the database at `url`. Close the connection after the block.

    Raises CannotConnect if the URL is malformed, if the connection fails, or if the block raises a database error.
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
        connection.ensure_connection()
        with _registered(connection):
            yield connection
    except Error as error:
        raise CannotConnect(f"the database cannot be used: {' '.join(str(error).split())}") from error
    finally:
        connection.close()


@contextmanager
def _registered(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Register the connection in Django as the database ALIAS, until the `with` block ends."""
    connections.settings[ALIAS] = connection.settings_dict
    connections[ALIAS] = connection
    try:
        yield
    finally:
        del connections[ALIAS], connections.settings[ALIAS]
