"""Check registered clients before a deployment: PKCE, less strict settings, and ID tokens (tag `clients`)."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 (Django's name)
from django.db import DatabaseError

from tokens.models import Client, PkceRule, id_token_algorithm
from tokens.registration import less_strict

HINT = (
    "Turn PKCE on in the application, then choose required in the admin (RFC 9700 section 2.1.1). If the application"
    " cannot: SILENCED_SYSTEM_CHECKS."
)

SWITCH_HINT = (
    "Turn the switch off in the admin if the program can do without. If it needs it (docs/recipes.md):"
    " SILENCED_SYSTEM_CHECKS."
)


@register("clients", deploy=True)
def check_pkce(**_: Any) -> list[CheckMessage]:
    """Return warning tokens.W205 for each active client that may log users in without PKCE."""
    try:
        clients = list(Client.objects.filter(is_active=True, pkce__isnull=False).order_by("client_id"))
    except DatabaseError:
        return []  # /readyz reports a database that cannot be reached or is not migrated
    return [
        Warning(
            f"The client {client.client_id} has the PKCE rule {client.pkce_rule.value}.", hint=HINT, id="tokens.W205"
        )
        for client in clients
        if client.pkce_rule != PkceRule.REQUIRED
    ]


@register("clients", deploy=True)
def check_switches(**_: Any) -> list[CheckMessage]:
    """Return warning tokens.W211 for each setting of an active client that is less strict than the default.

    Skips the PKCE rule, which `check_pkce` checks.
    """
    try:
        clients = list(Client.objects.filter(is_active=True).order_by("client_id"))
    except DatabaseError:
        return []
    return [
        Warning(f"The client {client.client_id} is less strict. {text}", hint=SWITCH_HINT, id="tokens.W211")
        for client in clients
        for text in less_strict.others(client)
    ]


@register("clients", deploy=True)
def check_algorithms(**_: Any) -> list[CheckMessage]:
    """Return error tokens.E212 for each active client that gets no ID tokens because no key ring can sign them."""
    try:
        clients = list(Client.objects.filter(is_active=True, id_token_signed_response_alg__isnull=False))
        problems = {
            client.client_id: id_token_algorithm.problem(client.id_token_signed_response_alg) for client in clients
        }
    except DatabaseError:
        return []
    return [
        Error(f"The client {client_id} gets no ID tokens. {problem}", id="tokens.E212")
        for client_id, problem in sorted(problems.items())
        if problem
    ]
