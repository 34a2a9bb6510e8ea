"""Imports applications and live refresh tokens of django-oauth-toolkit, so that no user has to log in again.

- An application becomes a client with its client_id and its secret. A hashed secret is stored as it is, until the
  client authenticates for the first time (tokens/clients/client_secret.py).
- A live refresh token is stored by its SHA-256, under a grant of its own. Imported clients rotate refresh tokens. So
  the first use of an imported token returns a new refresh token, and a second use is detected as reuse.
- A token is imported only if this issuer has all scopes of the token. The scopes must be of one API, of OpenID Connect
  (with `openid`), or of both.
- A user is found by the username and by the `sub` that `import_users` computed. So `import_users` must run first.
- Applications and tokens that are not imported are listed or counted, with the reason and the remedy. A second run
  imports nothing twice.
"""

from django.core.exceptions import ValidationError
from django.db.backends.base.base import BaseDatabaseWrapper

from tokens import registry_lock
from tokens.audit import trail
from tokens.handover import toolkit_client, toolkit_rows, toolkit_token
from tokens.handover.toolkit_report import ToolkitImport, ToolkitReport
from tokens.models import Api, Scope


class _ToolkitDryRun(Exception):
    """The exception that ends the transaction of a dry run, so that the transaction is rolled back."""


def load(source: BaseDatabaseWrapper, wanted: ToolkitImport) -> ToolkitReport:
    """Import applications and refresh tokens from the database `source`, and return the report of the import.

    The import is one transaction. `wanted` has its options. Raises NoToolkit if `source` lacks a table, CannotConnect
    if `source` cannot be read, ValidationError if an API does not exist, and RegistryLocked if another transaction
    holds a lock for too long.
    """
    report, scopes = ToolkitReport(), _scopes(wanted)
    try:
        with registry_lock.change():
            rows = list(toolkit_rows.applications(source))
            clients = {row["id"]: toolkit_client.take(row, scopes, wanted, report) for row in rows}
            for token in toolkit_rows.tokens(source, wanted.users):
                toolkit_token.take(token, clients.get(token.application), wanted, report)
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
    """Return the scopes of the APIs in `wanted`, which imported clients may request.

    Raises ValidationError if an API does not exist.
    """
    apis = {identifier: Api.named(identifier) for identifier in wanted.apis}
    if missing := [identifier for identifier, api in apis.items() if api is None]:
        raise ValidationError({"--api": f"There is no API {', '.join(missing)}. Create it with create_api first."})
    return list(Scope.objects.filter(api__in=[api for api in apis.values() if api]))
