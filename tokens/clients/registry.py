"""Caches registered clients in this process, with their secrets, scopes, APIs and exchange policies.

- Each change of a client, secret, scope, API or policy gives the registry a new version, in the same transaction.
- A cached client is used only if the registry still has the version under which the client was read. So if a secret is
  revoked in another process, the next request is refused.
- Reading a client takes ten SQL statements. Reading the registry's version takes one.
- Request A can use the version that request B read, if the query of B began after A had arrived. Such a query sees
  every change that was committed before A arrived.
"""

import threading
import time
from collections import OrderedDict
from typing import cast

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import prefetch_related_objects

from tokens.issued import revocation_record
from tokens.models import Client

VERSION = "SELECT value FROM tokens_registryversion ORDER BY id LIMIT 1"
KEPT = 1024
"""The number of clients in the cache; the least recently used is dropped."""
EVERYTHING = ("secrets", "scopes__api", "apis", "operated_apis", "exchange_policies__scopes__api")

_cache: "OrderedDict[str, tuple[str, Client]]" = OrderedDict()
"""Each client with the version under which it was read, by client_id. Lives as long as the process; guarded by
`_lock`."""
_lock = threading.Lock()
_last_reading: tuple[float, str | None] = (float("-inf"), None)
"""When the last reading of the version began (monotonic seconds), and the version."""


def version(*, received: float | None = None) -> str | None:
    """Return the registry's version, or None if its table is empty. If None, the caller must not cache clients.

    `received` is the instant at which the server had received the whole request (monotonic seconds), or None if
    unknown. If this process last queried the version after `received`, returns that version and runs no query.
    """
    global _last_reading  # noqa: PLW0603 (the pair is replaced at once, so no thread sees a half of it)
    began, last = _last_reading
    if received is not None and began > received:
        return last
    began = time.monotonic()
    # Every token request reads the version. Through the ORM, this took a fifth of the request's CPU time.
    database = connections[DEFAULT_DB_ALIAS]
    read = _read_version(database)
    if not database.in_atomic_block:  # a transaction can show the state at its beginning
        _last_reading = (began, read)
    return read


def _read_version(database: BaseDatabaseWrapper) -> str | None:
    """Read the registry's version from the database. Returns None if its table is empty.

    Calls the method `read_text` of the database backend if it has this method (project/postgresql).
    """
    if (read_text := getattr(database, "read_text", None)) is not None:  # project/postgresql
        return cast("str | None", read_text(VERSION))
    with database.cursor() as cursor:
        cursor.execute(VERSION)
        row = cursor.fetchone()
    return row[0] if row else None


def current(client_id: str, *, read: str | None, received: float | None) -> tuple[str | None, Client | None]:
    """Return the registry's version, and the client from the cache.

    The client is None if it is not cached, or if the registry has changed since the client was read.

    `read` is the registry's version if the caller has read it already, else None. `received` is the instant at which
    the server had received the whole request (monotonic seconds), or None if unknown.
    """
    now = read or version(received=received)
    return now, recall(client_id, version=now)


def recall(client_id: str, *, version: str | None) -> Client | None:
    """Return the client from the cache, or None if the client is not cached under this `version` of the registry."""
    with _lock:
        read_under, client = _cache.get(client_id, (None, None))
        if client is None or read_under != version:
            return None
        _cache.move_to_end(client_id)
        return client


def remembered(client_id: str) -> tuple[str | None, Client | None]:
    """Return the version of the registry at which the client was read, and the client, from the cache.

    Returns (None, None) if the client is not cached. The caller must check that the registry still has the returned
    version.
    """
    with _lock:
        return _cache.get(client_id, (None, None))


def is_known(client_id: str) -> bool:
    """Return True if the client with this client_id is in the cache. Runs no query."""
    return remembered(client_id)[1] is not None


def forget() -> None:
    """Delete every client from this process's cache. The next call of `version` reads the registry's version again."""
    global _last_reading  # noqa: PLW0603 (as in `version`)
    _last_reading = (float("-inf"), None)
    with _lock:
        _cache.clear()


def read(client_id: str) -> Client | None:
    """Read the active client with this client_id from the database. Returns None if there is none.

    Does not read the client's secrets, scopes and APIs.
    """
    return Client.objects.filter(client_id=client_id, is_active=True).first()


def keep(client: Client, *, version: str | None) -> Client:
    """Read the client's secrets, scopes, APIs and exchange policies. Cache the client with them, and return it.

    The caller must have read `version` before it read the client. If `version` is None, the client is not cached.
    """
    # Version first: a change between the two statements then leaves an old version in the cache, which is not used.
    prefetch_related_objects([client], *EVERYTHING)
    client.targets = {}
    client.tokens_from = revocation_record.client_tokens_from(client.client_id)
    if version is not None:
        with _lock:
            _cache[client.client_id] = (version, client)
            _cache.move_to_end(client.client_id)
            if len(_cache) > KEPT:
                _cache.popitem(last=False)
    return client


def read_recent(most: int) -> None:
    """Cache the `most` active clients that were used last. A process calls this before its first request."""
    now = version()
    used = Client.objects.filter(is_active=True, last_used_on__isnull=False).order_by("-last_used_on", "pk")
    for client in used[:most]:
        keep(client, version=now)
