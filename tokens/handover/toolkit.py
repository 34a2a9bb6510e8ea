"""Imports applications and live refresh tokens of django-oauth-toolkit, so that no user has to log in again.

- An application becomes a client with its client_id and its secret. A hashed secret is stored as it is, until the
  client authenticates for the first time (tokens/clients/client_secret.py).
- A live refresh token is stored by its SHA-256, under a grant of its own. Its first use replaces it by one of this
  issuer, because imported clients rotate; a later use is detected as reuse.
- Scopes are those of this issuer: a token is taken if all of its scopes exist, at one API.
- Users are found by their username. `import_users` comes first.
- What is not taken is counted or listed, with the reason and the remedy. A second run takes nothing twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.backends.base.base import BaseDatabaseWrapper

from tokens import conf, registry_lock
from tokens.audit import trail
from tokens.clients import client_secret
from tokens.errors import OAuthError
from tokens.handover import toolkit_rows, user_import
from tokens.handover.toolkit_rows import ToolkitToken, UserTable
from tokens.issued import audience, one_time, refresh_token, user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.issued.user_grant import SessionEnded
from tokens.models import Api, Client, RefreshToken, Scope, User
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
"""What replaces a grant type that this issuer does not have."""
SHORTEST = 22
"""Characters. A shorter token has fewer than 128 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolkitImport:
    """What the operator wants of an import."""

    apis: tuple[str, ...] = ()
    """Identifiers of the APIs whose scopes the clients may request."""
    users: UserTable = field(default_factory=UserTable)
    source: str = "auth.user"
    """As `import_users --source`."""
    expire_after: timedelta | None = None
    """REFRESH_TOKEN_EXPIRE_SECONDS of the other project. None: its refresh tokens do not expire."""
    dry_run: bool = False
    actor: str
    now: datetime


@dataclass(slots=True, kw_only=True)
class ToolkitReport:
    """What an import did, or would do if it was a dry run."""

    clients: list[str] = field(default_factory=list)
    """New clients by client_id."""
    unchanged_clients: list[str] = field(default_factory=list)
    """Clients that were here before."""
    refused_clients: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What differs for a client that was taken."""
    tokens: int = 0
    """New refresh tokens."""
    unchanged_tokens: int = 0
    refused_tokens: dict[str, int] = field(default_factory=dict)
    """The number of refresh tokens that were not taken, by reason."""
    missing_users: list[str] = field(default_factory=list)
    """Users of live refresh tokens who do not exist here."""

    def refuse(self, reason: str) -> None:
        """Count a refresh token that is not taken."""
        self.refused_tokens[reason] = self.refused_tokens.get(reason, 0) + 1


class _ToolkitDryRun(Exception):
    """Rolls the transaction of a dry run back."""


def load(source: BaseDatabaseWrapper, wanted: ToolkitImport) -> ToolkitReport:
    """Import applications and refresh tokens from the database `source`.

    Raises NoToolkit, ValidationError if an API does not exist, and RegistryLocked. Nothing was imported then.
    """
    report, scopes = ToolkitReport(), _scopes(wanted)
    try:
        with registry_lock.change():
            rows = list(toolkit_rows.applications(source))
            clients = {row["id"]: _client(row, scopes, wanted, report) for row in rows}
            for token in toolkit_rows.tokens(source, wanted.users):
                _token(token, clients.get(token.application), wanted, report)
            if report.clients or report.tokens:
                details = {"clients": len(report.clients), "refresh_tokens": report.tokens}
                trail.record("toolkit.imported", actor=wanted.actor, subject="toolkit", details=details, now=wanted.now)
            _finish(wanted)
    except _ToolkitDryRun:
        pass
    return report


def _finish(wanted: ToolkitImport) -> None:
    if wanted.dry_run:
        raise _ToolkitDryRun


def _scopes(wanted: ToolkitImport) -> list[Scope]:
    """Return the scopes that imported clients may request. Raises ValidationError if an API does not exist."""
    apis = {identifier: Api.named(identifier) for identifier in wanted.apis}
    if missing := [identifier for identifier, api in apis.items() if api is None]:
        raise ValidationError({"--api": f"There is no API {', '.join(missing)}. Create it with create_api first."})
    return list(Scope.objects.filter(api__in=[api for api in apis.values() if api]))


def _client(row: Mapping[str, Any], scopes: list[Scope], wanted: ToolkitImport, report: ToolkitReport) -> Client | None:
    """Return the client of an application, registered now or before, or None if it is refused."""
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
    """Register the client of an application, with its secret. Raises ValidationError."""
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


def _token(token: ToolkitToken, client: Client | None, wanted: ToolkitImport, report: ToolkitReport) -> None:
    """Store a refresh token, or count why it is not taken."""
    digest = token.checksum or one_time.digest(token.text)
    # By family: the row of a token that was used here is purged, while its successors live.
    if RefreshToken.objects.filter(family=digest).exists():
        report.unchanged_tokens += 1
        return
    if reason := _token_problem(token, client, wanted):
        report.refuse(reason)
        return
    # Not by username alone: it can be that of another person, whom import_users refused to merge.
    sub = user_import.derived_sub(wanted.source, token.user)
    user = User.objects.filter(username=token.username, sub=sub).first()
    if user is None:
        report.refuse("the user does not exist here: run import_users first")
        if token.username not in report.missing_users:
            report.missing_users.append(token.username)
        return
    target = _target(token)
    if isinstance(target, str) or client is None:
        report.refuse(str(target))
        return
    lasts = refresh_token.family_lifetime(client, target.scopes)
    login = Login(at=token.created, acr="", amr=())
    try:
        grant = user_grant.create(user, client, target, login, now=wanted.now, lasts=lasts)
    except (OAuthError, SessionEnded):
        report.refuse("the user is not active")
        return
    refresh_token.adopt(digest, grant, client, now=wanted.now)
    report.tokens += 1


def _token_problem(token: ToolkitToken, client: Client | None, wanted: ToolkitImport) -> str | None:
    """Return why the refresh token itself is not taken, or None."""
    if token.revoked:
        return "revoked"
    if token.scope is None:
        return "its access token was deleted, and the toolkit refuses it, too"
    if wanted.expire_after is not None and token.created + wanted.expire_after <= wanted.now:
        return "expired"
    if client is None:
        return "its application was not taken"
    if "refresh_token" not in client.grants:
        return "its client has no refresh tokens: change its grant types"
    # The part before the first dot names the family of a token of this issuer.
    if token.text and ("." in token.text or len(token.text) < SHORTEST):
        return "it has a dot, or fewer than 22 characters: the user logs in again"
    return None


def _target(token: ToolkitToken) -> Target | str:
    """Return the target of the token's scopes, or why it has none."""
    names = tuple(dict.fromkeys((token.scope or "").split()))
    offered = audience.offered()
    own = {scope.name: scope.api for scope in Scope.objects.filter(name__in=names).select_related("api")}
    if missing := [name for name in names if name not in own and name not in offered]:
        return f"this issuer has no scope {missing[0]}: create it with create_api"
    apis = {api.pk: api for api in own.values()}
    if len(apis) > 1:
        return "its scopes belong to several APIs here: a token is for one"
    api = next(iter(apis.values()), None)
    if api is None and "openid" not in names:
        return "it has no scope of an API, and not openid"
    return Target(api.identifier if api else conf.issuer().url, names, api)
