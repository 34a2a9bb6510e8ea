"""Connects to another database than the issuer's, by its URL, for as long as a command needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

import environ
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

ALIAS = "other"
"""The name of the connection, for `using`."""
FORMS = "must be a URL such as postgres://user@host:5432/name or sqlite:///path"


class CannotConnect(Exception):
    """The URL is malformed, or the database does not answer. The message does not repeat the URL."""


@contextmanager
def connected(url: str) -> Iterator[BaseDatabaseWrapper]:
    """Add the database at `url` to Django's connections as ALIAS, and return its connection. Raises CannotConnect."""
    try:
        config = dict(environ.Env.db_url_config(url))
    except (ValueError, ImproperlyConfigured):
        config = {}
    if not config.get("ENGINE"):
        raise CannotConnect(FORMS)
    databases = {DEFAULT_DB_ALIAS: connections.settings[DEFAULT_DB_ALIAS], ALIAS: config}
    connections.settings[ALIAS] = connections.configure_settings(databases)[ALIAS]
    try:
        yield _open()
    finally:
        connections[ALIAS].close()
        del connections[ALIAS], connections.settings[ALIAS]


def _open() -> BaseDatabaseWrapper:
    try:
        connections[ALIAS].ensure_connection()
    except Error as error:
        raise CannotConnect(f"the database cannot be used: {' '.join(str(error).split())}") from error
    return connections[ALIAS]
