"""Check that requests can reach the admin on the host ADMIN_HOST (tag `admin_host`)."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 (Django's name)
from django.http.request import validate_host

from tokens import conf


@register("admin_host")
def check_admin_host(**_: Any) -> list[CheckMessage]:
    """Return error tokens.E701 if no request can reach ADMIN_HOST, or warning tokens.W701 if ADMIN is off."""
    pages = conf.pages()
    if not pages.admin_host:
        return []
    if not pages.has_admin:
        return [
            Warning(
                f"ADMIN_HOST is {pages.admin_host}, but ADMIN is off.",
                hint="Set ADMIN=on to serve the admin on that host, or remove ADMIN_HOST.",
                id="tokens.W701",
            )
        ]
    if validate_host(pages.admin_host, pages.allowed_hosts):
        return []
    return [
        Error(
            f"ADMIN_HOST is {pages.admin_host}, which is not in ALLOWED_HOSTS: no request can reach the admin.",
            hint=f"Add {pages.admin_host} to ALLOWED_HOSTS, and let the proxy pass requests for it to this process.",
            id="tokens.E701",
        )
    ]
