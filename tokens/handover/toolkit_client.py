"""Registers an application of django-oauth-toolkit as a client, with its client_id and its secret."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from tokens.audit import trail
from tokens.clients import client_secret
from tokens.handover.toolkit_report import ToolkitImport, ToolkitReport
from tokens.models import Client, Scope
from tokens.registration.client import Registration, created_row, unsaved

GRANTS: Mapping[str, tuple[str, ...]] = {
    "authorization-code": ("authorization_code", "refresh_token"),
    "client-credentials": ("client_credentials",),
    "urn:ietf:params:oauth:grant-type:device_code": (
        "urn:ietf:params:oauth:grant-type:device_code",
        "refresh_token",
    ),
}
"""The grant types of a client for each grant type of an application."""
REMEDIES = {
    "implicit": "use the authorization code with PKCE (create_client --kind spa)",
    "password": "use the authorization code, or the device code for a command line",
    "openid-hybrid": "use the authorization code",
}
"""The advice for each grant type that this issuer does not have."""


def take(row: Mapping[str, Any], scopes: list[Scope], wanted: ToolkitImport, report: ToolkitReport) -> Client | None:
    """Return the client of an application. Registers the client if it is new.

    `row` has the columns of the application by name. If the application is refused, adds the reason to `report` and
    returns None.
    """
    client_id, grant = str(row["client_id"]), str(row["authorization_grant_type"])
    client = Client.objects.filter(client_id=client_id).first()
    if client is not None:
        report.unchanged_clients.append(client_id)
        return client
    if grant not in GRANTS:
        why = f"this issuer has no grant type {grant}: {REMEDIES.get(grant, 'register the client by create_client')}"
        report.refused_clients.append({"client_id": client_id, "why": why})
        return None
    try:
        return _register(row, scopes, wanted, report)
    except ValidationError as error:
        why = " ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
        report.refused_clients.append({"client_id": client_id, "why": why})
        return None


def _register(row: Mapping[str, Any], scopes: list[Scope], wanted: ToolkitImport, report: ToolkitReport) -> Client:
    """Register the client of an application, with its secret. Raises ValidationError if a value is refused."""
    client_id, public = str(row["client_id"]), row["client_type"] == Client.CLIENT_PUBLIC
    grants = GRANTS[str(row["authorization_grant_type"])]
    registration = Registration(
        name=str(row["name"]).strip() or client_id,
        client_id=client_id,
        grants=grants,
        redirect_uris=str(row["redirect_uris"]).split(),
        public=public,
        policy={
            "post_logout_redirect_uris": str(row.get("post_logout_redirect_uris") or ""),
            "allowed_origins": str(row.get("allowed_origins") or ""),
            "skip_authorization": bool(row["skip_authorization"]),
            # as the toolkit does
            "rotates_refresh_tokens": "refresh_token" in grants,
            "always_gets_refresh_token": "refresh_token" in grants,
        },
    )
    client, _, _ = unsaved(registration)
    client.full_clean()
    client.save()
    client.scopes.set(scopes)
    details = created_row(client, scopes, ())
    trail.record("client.created", actor=wanted.actor, subject=f"client:{client_id}", details=details, now=wanted.now)
    report.clients.append(client_id)
    if not public:
        _add_secret(client, str(row["client_secret"] or ""), report, now=wanted.now)
    if row.get("algorithm") == "HS256":
        report.notes.append(f"{client_id}: ID tokens were signed by HS256 with its secret, and now by the issuer's key")
    return client


def _add_secret(client: Client, secret: str, report: ToolkitReport, *, now: datetime) -> None:
    if not secret:
        report.notes.append(f"{client.client_id}: has no secret; add one by client_secret add")
    elif not client_secret.import_secret(client, secret, now=now):
        report.notes.append(
            f"{client.client_id}: PASSWORD_HASHERS lacks the hasher of its secret; add a secret by client_secret add"
        )
