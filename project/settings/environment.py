"""The environment: the one place that reads it. Every variable is described in .env.example.

A variable that is missing or malformed raises ImproperlyConfigured with its name and the way out.
"""

import os
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_env = environ.Env()
_secrets: set[str] = set()  # names of variables that were read as secrets; filled while the settings are read

DEFAULT_PORTS = {"http": 80, "https": 443}
POLICIES = ("production", "development")
SHORTEST_TOKEN = 32  # characters
POSTGRESQL = {
    "connect_timeout": 5,  # seconds; the least is 2
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}
"""Parameters of libpq that end a connection to a machine that has disappeared, in commands too. The URL overrides each.

None of them goes to the server, so PgBouncer accepts them. `project/postgresql` bounds what a request waits for.
"""
CACHED = 50_000
"""Entries of an in-process cache; Django's own 300 are pushed out within a second by whoever invents names."""

CACHE_WAIT = 0.2
"""Seconds to wait for a Redis to take a connection, and for each answer."""


def text(name: str, default: str | None = None) -> str:
    """The variable's value; raises ImproperlyConfigured when it is missing or empty and has no default."""
    value = str(_env.str(name, default="")).strip() or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. Set it in the environment; .env.example says what it means.")
    return value


def secret(name: str, default: str | None = None) -> str:
    """Return `text` of a variable that `forget_secrets` removes."""
    _secrets.add(name)
    return text(name, default)


def secret_words(name: str, default: str | None = None) -> list[str]:
    """Return `words` of a variable that `forget_secrets` removes."""
    _secrets.add(name)
    return words(name, default)


def token(name: str) -> str:
    """Return a bearer token, or the empty string. Raises ImproperlyConfigured if it is short enough to guess."""
    value = secret(name, "")
    if value and (len(value) < SHORTEST_TOKEN or not value.isascii() or not value.isprintable() or " " in value):
        raise ImproperlyConfigured(
            f"{name} must be at least {SHORTEST_TOKEN} ASCII characters without blanks: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return value


def preload(*, include_subdomains: bool) -> bool:
    """Return HSTS_PRELOAD. Raises ImproperlyConfigured without HSTS_INCLUDE_SUBDOMAINS, which preload lists require."""
    wanted = flag("HSTS_PRELOAD", default=False)
    if wanted and not include_subdomains:
        raise ImproperlyConfigured("HSTS_PRELOAD=true needs HSTS_INCLUDE_SUBDOMAINS=true.")
    return wanted


def forget_secrets(*more: str) -> None:
    """Remove every secret that the settings have read, and the variables `more`, from this process's environment."""
    for name in {*_secrets, *more}:
        os.environ.pop(name, None)


def words(name: str, default: str | None = None) -> list[str]:
    """The variable's comma-separated values, without blanks around them."""
    return [word for word in (part.strip() for part in text(name, default).split(",")) if word]


def flag(name: str, *, default: bool) -> bool:
    """The variable as true or false."""
    value = text(name, "true" if default else "false").lower()
    if value not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value in {"true", "1", "yes", "on"}


def url(name: str, default: str | None = None) -> str:
    """The variable as an absolute http or https URL without query or fragment, unchanged."""
    return absolute_url(name, text(name, default))


def urls(name: str, default: str | None = None) -> list[str]:
    """The variable as comma-separated absolute URLs."""
    return [absolute_url(name, value) for value in words(name, default)]


def absolute_url(name: str, value: str) -> str:
    """`value` if it is an absolute http or https URL without query or fragment; `name` is for the message."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or "?" in value or "#" in value:
        raise ImproperlyConfigured(f"{name} must be an absolute URL such as https://issuer.example, not {value!r}.")
    return value


def issuer_url(name: str, default: str | None = None) -> str:
    """Return the variable as an issuer identifier (RFC 8414 section 2), unchanged.

    Clients compare it character by character, so only the one normal form of a URL is accepted (RFC 3986 section 6.2).
    Raises ImproperlyConfigured with the reason.
    """
    value = url(name, default)
    parts = urlsplit(value)
    problems = {
        "printable ASCII without blanks": value.isascii() and value.isprintable() and " " not in value,
        "without a user name": "@" not in parts.netloc,
        "with scheme and host in lower case": value.startswith(f"{parts.scheme}://{parts.netloc.lower()}"),
        "without the default port of its scheme": parts.port != DEFAULT_PORTS[parts.scheme]
        and not parts.netloc.endswith(":"),
        "without empty or dot segments in its path": parts.path in {"", "/"}
        or {"", ".", ".."}.isdisjoint(parts.path.removeprefix("/").removesuffix("/").split("/")),
        "without percent-encoded characters": "%" not in value,
    }
    if wrong := next((rule for rule, holds in problems.items() if not holds), None):
        raise ImproperlyConfigured(f"{name} must be {wrong}, such as https://issuer.example, not {value!r}.")
    return value


def database(name: str, default: str | None = None) -> dict[str, object]:
    """The variable as a Django database: postgres://user:password@host:port/name, or sqlite:///path."""
    value = secret(name, default)
    try:
        config: dict[str, object] = dict(_env.db_url_config(value))
    except (ValueError, ImproperlyConfigured):
        config = {}
    engine = config.get("ENGINE", "")
    if engine == "django.db.backends.sqlite3":
        # The write lock is taken when a transaction begins, so a decision made inside it cannot be overtaken.
        # Recursive triggers: a row that INSERT OR REPLACE deletes is kept by the rule against deleting it.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA recursive_triggers=ON",
        }
    elif engine == "django.db.backends.postgresql":
        config["ENGINE"] = "project.postgresql"  # Django's, with deadlines for requests
        config.setdefault("CONN_MAX_AGE", 60)
        config["CONN_HEALTH_CHECKS"] = True
        config["DISABLE_SERVER_SIDE_CURSORS"] = True  # PgBouncer's transaction pooling has none outside a transaction
        options = config.setdefault("OPTIONS", {})
        if isinstance(options, dict):
            config["OPTIONS"] = POSTGRESQL | options
    else:  # the value holds a password: it is not repeated
        raise ImproperlyConfigured(f"{name} must be a URL such as postgres://user@host:5432/name or sqlite:///path.")
    return config


def cache(*names: str, apart: str = "") -> dict[str, object]:
    """Return a Django cache by the first variable that is set: redis://host:port/number, or in-process if none is.

    `apart` names an in-process cache of its own, so that entries of one evict none of another. A Redis that hangs
    costs a request `CACHE_WAIT` and no retry.
    """
    name = next((one for one in names if str(_env.str(one, default="")).strip()), names[0])
    value = secret(name, "locmem://")
    if value == "locmem://":
        backend = "django.core.cache.backends.locmem.LocMemCache"
        return {"BACKEND": backend, "LOCATION": apart, "OPTIONS": {"MAX_ENTRIES": CACHED}}
    if urlsplit(value).scheme not in {"redis", "rediss", "valkey", "unix"}:
        raise ImproperlyConfigured(f"{name} must be a URL such as redis://host:6379/0.")
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": value.replace("valkey://", "redis://", 1),  # one protocol; redis-py knows the older name only
        "OPTIONS": {"socket_connect_timeout": CACHE_WAIT, "socket_timeout": CACHE_WAIT, **_kept_alive(value)},
    }


def _kept_alive(url: str) -> dict[str, object]:
    """Return the options that keep idle connections alive, so that no router drops one silently."""
    if urlsplit(url).scheme == "unix":
        return {}
    wanted = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # seconds, seconds, probes
    options = {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}
    return {"socket_keepalive": True, "socket_keepalive_options": options}


def policy(name: str = "KEY_POLICY") -> str:
    """Which set of key timings: `production`, or `development` (a switch can be watched within a minute)."""
    return choice(name, "production", POLICIES)


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    """Return the variable, which must be one of `allowed`. Raises ImproperlyConfigured."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def seconds(name: str, default: float, *, least: float = 0) -> float:
    """Return the variable as a number of seconds, `least` or more."""
    value = text(name, str(default))
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not least <= number < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a number of seconds, {least or 'zero'} or more, not {value!r}.")
    return number


def timings(name: str = "KEY_TIMINGS") -> dict[str, float]:
    """The variable as comma-separated `name=seconds`: single numbers of the key policy that shall be others."""
    pairs = [entry.partition("=") for entry in words(name, "")]
    try:
        return {key.strip(): float(seconds) for key, _, seconds in pairs}
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be like rotate_every=2592000,token_lifetime=900 (seconds).") from None


def rates(name: str = "RATE_LIMITS") -> dict[str, tuple[int, int]]:
    """The variable as comma-separated `name=number/seconds`: single rate limits that shall be others."""
    limits = {}
    for entry in words(name, ""):
        what, _, rate = entry.partition("=")
        number, _, seconds = rate.partition("/")
        if not (number.strip().isdecimal() and seconds.strip().isdecimal() and int(number) and int(seconds)):
            raise ImproperlyConfigured(f"{name} must be like login=10/60,token=1200/60 (number/seconds).")
        limits[what.strip()] = (int(number), int(seconds))
    return limits
