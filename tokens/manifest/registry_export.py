"""Exports the registry as a manifest, without secrets. Applying the manifest to the same registry changes nothing.

- Fields that have their default value are left out. Entries are in a fixed order, so that two exports can be compared
  by diff.
- Self-registered clients and their exchange policies are left out, because no operator decides their configuration.
"""

from typing import Any

from tokens.keys.rules.moves import DEFAULT_RING
from tokens.models import Api, Client, ExchangePolicy, Scope
from tokens.registration import state


def export() -> dict[str, Any]:
    """Return the registry as plain data, in the form of a manifest."""
    apis = Api.objects.select_related("client", "ring").prefetch_related("scopes").order_by("identifier")
    clients = Client.objects.filter(registered_by=None).prefetch_related("scopes", "apis").order_by("client_id")
    policies = ExchangePolicy.objects.filter(client__registered_by=None)
    policies = policies.select_related("client", "api").order_by("client__client_id", "api__identifier")
    sections = {
        "groups": sorted({name for scope in Scope.objects.exclude(groups=None) for name in scope.groups or ()}),
        "apis": {api.identifier: _api(api) for api in apis},
        "clients": {client.client_id: _client(client) for client in clients},
        "exchange_policies": [_policy(policy) for policy in policies],
    }
    return {name: section for name, section in sections.items() if section}


def _api(api: Api) -> dict[str, Any]:
    own = {name: _plain(value) for name, value in state.of_api(api).items() if value}
    ring = {"ring": api.ring.name} if api.ring and api.ring.name != DEFAULT_RING else {}
    # A self-registered client is not in the file, so the field would name a client that the file does not have.
    if api.client is not None and api.client.registered_by is not None:
        own.pop("client")
    scopes = {scope.name: _scope(scope) for scope in api.scopes.all()}
    return own | ring | ({"scopes": scopes} if scopes else {})


def _scope(scope: Scope) -> Any:
    if not scope.groups:
        return scope.description
    return {"description": scope.description, "groups": sorted(scope.groups)}


def _client(client: Client) -> dict[str, Any]:
    values = state.of_saved_client(client).items()
    own = {name: _plain(value) for name, value in values if value != state.DEFAULTS[name]}
    return own | ({"program": client.recipe} if client.recipe else {})


def _policy(policy: ExchangePolicy) -> dict[str, Any]:
    scopes = sorted(policy.scopes.values_list("name", flat=True))
    return {"client": policy.client.client_id, "api": policy.api.identifier, "scopes": scopes}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
