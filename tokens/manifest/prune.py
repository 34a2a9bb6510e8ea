"""Finds and deletes the rows of the registry that a manifest does not name (`--prune`)."""

from collections.abc import Iterator

from tokens.manifest import policy_part
from tokens.manifest.change import Change
from tokens.manifest.run import Run
from tokens.manifest.schema import Manifest
from tokens.models import Api, Client, ExchangePolicy, Scope
from tokens.registration import exchange_policy


def not_named(manifest: Manifest) -> "Iterator[ExchangePolicy | Client | Scope | Api]":
    """Yield the rows of the registry that the manifest does not name, in the order in which they can be deleted.

    Leaves out self-registered clients, which a manifest does not manage.
    """
    named = {(entry.values["client"], _identifier(entry.values["api"])) for entry in manifest.exchange_policies}
    for policy in ExchangePolicy.objects.select_related("client", "api").order_by("client__client_id", "api"):
        if (policy.client.client_id, policy.api.identifier) not in named:
            yield policy
    yield from Client.objects.filter(registered_by=None).exclude(client_id__in=manifest.clients).order_by("client_id")
    apis = {_identifier(identifier): entry.scopes for identifier, entry in manifest.apis.items()}
    for scope in Scope.objects.select_related("api").order_by("name"):
        if scope.name not in apis.get(scope.api.identifier, ()):
            yield scope
    yield from Api.objects.exclude(identifier__in=apis).order_by("identifier")


def remove(row: ExchangePolicy | Client | Scope | Api, run: Run) -> None:
    """Delete a row, and record the audit event of its deletion. Deleting a client also revokes its tokens."""
    change = described(row)
    if isinstance(row, ExchangePolicy):
        exchange_policy.remove(row.client, row.api, actor=run.actor, now=run.now)
        run.changes.append(change)
        return
    # The event comes first, as in the admin: afterwards the related rows that it names are deleted, too.
    details = {"api": row.api.identifier} if isinstance(row, Scope) else {}
    run.note(change, f"{change.kind}:{change.name}", **details)
    row.delete()


def described(row: ExchangePolicy | Client | Scope | Api) -> Change:
    """Return the Change that describes the removal of `row`."""
    if isinstance(row, ExchangePolicy):
        return Change(kind="exchange_policy", name=policy_part.name(row.client, row.api), done="removed")
    if isinstance(row, Client):
        return Change(kind="client", name=row.client_id, done="removed")
    if isinstance(row, Scope):
        return Change(kind="scope", name=row.name, done="removed")
    return Change(kind="api", name=row.identifier, done="removed")


def _identifier(text: str) -> str:
    """Return the registered identifier of the API that the manifest calls `text`.

    Returns `text` if no such API is registered. The slash of an empty path makes no difference: `https://api.example`
    in the manifest can mean the API `https://api.example/`.
    """
    return api.identifier if (api := Api.named(text)) else text
