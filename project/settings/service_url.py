"""Translates the URL of a database or cache into an entry of Django's settings.

The entry also sets time limits, TCP keepalive, and options of SQLite, such as its transaction mode.
"""

import socket
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

POSTGRESQL = {
    "connect_timeout": 5,  # seconds; the least is 2
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}
"""Parameters of libpq that end a connection to a machine that has disappeared. The URL can override each of them.

They apply to commands as well; `project/postgresql` bounds the waits of requests. They are not sent to the server, so
PgBouncer accepts them.
"""
CACHE_ENTRIES = 50_000
"""The most entries of an in-process cache. Django's default is 300, which an attacker could evict by invented names."""

CACHE_WAIT = 0.2
"""Seconds to wait for Redis to accept a connection, and for each answer of Redis."""


def database(name: str, url: str) -> dict[str, object]:
    """Return the entry of Django's DATABASES for `url`.

    Raises ImproperlyConfigured, which names the variable `name`, if `url` is malformed or of another kind of database.
    """
    try:
        config: dict[str, object] = dict(environ.Env.db_url_config(url))
    except (ValueError, ImproperlyConfigured):
        config = {}
    engine = config.get("ENGINE", "")
    if engine == "django.db.backends.sqlite3":
        # IMMEDIATE takes the write lock when a transaction begins, so that no other can invalidate a decision made
        # inside it. Recursive triggers: INSERT OR REPLACE must not delete a row that a trigger protects.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA recursive_triggers=ON",
        }
    elif engine == "django.db.backends.postgresql":
        config["ENGINE"] = "project.postgresql"  # Django's backend with deadlines for requests
        config.setdefault("CONN_MAX_AGE", 60)
        config["CONN_HEALTH_CHECKS"] = True
        # PgBouncer's transaction pooling cannot keep a cursor between transactions.
        config["DISABLE_SERVER_SIDE_CURSORS"] = True
        options = config.setdefault("OPTIONS", {})
        if isinstance(options, dict):
            config["OPTIONS"] = POSTGRESQL | options
    else:  # the message must not repeat the value, which contains a password
        raise ImproperlyConfigured(f"{name} must be a URL such as postgres://user@host:5432/name or sqlite:///path.")
    return config


def cache(name: str, url: str, *, apart: str) -> dict[str, object]:
    """Return the entry of Django's CACHES for `url`, a URL of Redis or "locmem://" for an in-process cache.

    `apart` is the LOCATION of the in-process cache. Two in-process caches share their entries only if they have the
    same LOCATION. Raises ImproperlyConfigured, which names the variable `name`, if `url` has another form.
    """
    if url == "locmem://":
        backend = "django.core.cache.backends.locmem.LocMemCache"
        return {"BACKEND": backend, "LOCATION": apart, "OPTIONS": {"MAX_ENTRIES": CACHE_ENTRIES}}
    if urlsplit(url).scheme not in {"redis", "rediss", "valkey", "unix"}:
        raise ImproperlyConfigured(f"{name} must be a URL such as redis://host:6379/0.")
    return {
        "BACKEND": "project.redis_cache.CountingRedisCache",
        # valkey:// means the same protocol, but redis-py accepts only redis://.
        "LOCATION": url.replace("valkey://", "redis://", 1),
        "OPTIONS": {"socket_connect_timeout": CACHE_WAIT, "socket_timeout": CACHE_WAIT, **kept_alive(url)},
    }


def kept_alive(url: str) -> dict[str, object]:
    """Return the options for Redis that keep idle connections alive.

    Returns {} for a Unix socket.
    """
    if urlsplit(url).scheme == "unix":
        return {}
    # Routers drop idle connections without a message to either side.
    keepalive = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # seconds, seconds, probes
    options = {getattr(socket, name): value for name, value in keepalive.items() if hasattr(socket, name)}
    return {"socket_keepalive": True, "socket_keepalive_options": options}
