"""Reads the Django settings that this package needs. No other module of the package reads settings.

- Each function reads its setting when it is called, so that a test can override it.
- Settings that do not come from `project.settings`, such as those of the example application, can lack some settings.
  Their defaults are here.
- tests/test_settings_reads.py fails if another module reads a setting.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from project import admin_pages


def is_debug() -> bool:
    """Return DEBUG."""
    return bool(settings.DEBUG)


def is_log_json() -> bool:
    """Return True if LOG_FORMAT says that each line of the log is JSON."""
    return bool(_optional("LOG_FORMAT", "text") == "json")


def has_access_log() -> bool:
    """Return ACCESS_LOG, which is True if each request is logged."""
    return bool(settings.ACCESS_LOG)


def has_traces() -> bool:
    """Return OTEL_TRACES, which is True if spans are exported."""
    return bool(settings.OTEL_TRACES)


def service_name() -> str:
    """Return OTEL_SERVICE_NAME, the name of this process in its spans."""
    return str(settings.OTEL_SERVICE_NAME)


def metrics_port() -> int:
    """Return METRICS_PORT, or 0 if there are no metrics."""
    return int(_optional("METRICS_PORT", 0))


def metrics_address() -> str:
    """Return METRICS_ADDRESS, the address on which metrics are served."""
    return str(settings.METRICS_ADDRESS)


def metrics_from() -> Sequence[Any]:
    """Return METRICS_FROM, the networks whose clients may read metrics."""
    networks: Sequence[Any] = settings.METRICS_FROM
    return networks


def has_admin() -> bool:
    """Return ADMIN, which is True if this process serves the admin."""
    return bool(settings.ADMIN)


def admin_host() -> str:
    """Return ADMIN_HOST, the only host on which the admin is served, or "" for every host."""
    return str(settings.ADMIN_HOST)


def mount() -> str:
    """Return FORCE_SCRIPT_NAME, the path of the issuer's URL, or ""."""
    return settings.FORCE_SCRIPT_NAME or ""


def middleware() -> Sequence[str]:
    """Return MIDDLEWARE."""
    return settings.MIDDLEWARE


def wsgi_application() -> str:
    """Return WSGI_APPLICATION, the dotted path of the application."""
    return str(settings.WSGI_APPLICATION)


def scheme_header() -> tuple[str, str] | None:
    """Return SECURE_PROXY_SSL_HEADER, the header by which a proxy reports the scheme, or None."""
    header: tuple[str, str] | None = settings.SECURE_PROXY_SSL_HEADER
    return header


def is_behind_proxy() -> bool:
    """Return BEHIND_PROXY, which is True if a proxy in front appends the client's address to X-Forwarded-For."""
    return bool(_optional("BEHIND_PROXY", default=False))


def answer_within() -> float:
    """Return ANSWER_WITHIN, the time limit of a request in seconds. The default is the limit of pages of the admin."""
    return float(_optional("ANSWER_WITHIN", admin_pages.ANSWER_WITHIN))


def most_body() -> int | None:
    """Return DATA_UPLOAD_MAX_MEMORY_SIZE, the size limit of a body in bytes, or None without a limit."""
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def database_connections() -> int:
    """Return DATABASE_CONNECTIONS, how many connections the workers of a node share, or 0 if they share none."""
    return int(_optional("DATABASE_CONNECTIONS", 0))


def _optional(name: str, default: object) -> Any:
    return getattr(settings, name, default)
