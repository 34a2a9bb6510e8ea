"""Sets and removes exchange policies: which client may use token exchange for which API, with which scopes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.core.exceptions import ValidationError

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.models import Api, Client, ExchangePolicy, Scope


def foreign(scopes: Iterable[Scope], api: Api | None) -> list[str]:
    """Return the names of those of `scopes` that do not belong to `api`. If `api` is None, returns all names."""
    return [scope.name for scope in scopes if scope.api != api]


@registry_lock.change()
def put(client: Client, api: Api, names: Sequence[str], *, actor: str, now: datetime) -> bool:
    """Let the client get tokens for the API by token exchange (RFC 8693), with the scopes `names` and no others.

    Replaces an existing policy of the client for the API. Returns False if nothing changed.

    Raises:
        ValidationError: `names` is empty, or a scope does not exist or belongs to another API.
        RegistryLocked: Another transaction held a lock for too long.
    """
    scopes = list(Scope.objects.filter(name__in=names))
    if unknown := set(names) - {scope.name for scope in scopes} | set(foreign(scopes, api)):
        raise ValidationError({"scopes": f"Not a scope of this API: {', '.join(sorted(unknown))}."})
    if not scopes:
        raise ValidationError({"scopes": "Name at least one scope: a policy without scopes allows nothing."})
    policy, created = ExchangePolicy.objects.select_for_update().get_or_create(client=client, api=api)
    before = sorted(policy.scopes.values_list("name", flat=True))
    after = sorted(scope.name for scope in scopes)
    if before == after:
        return False
    policy.scopes.set(scopes)
    details = {"scopes": after} if created else {"scopes": [", ".join(before), ", ".join(after)]}
    _record("created" if created else "changed", policy, details, actor=actor, now=now)
    return True


@registry_lock.change()
def remove(client: Client, api: Api, *, actor: str, now: datetime) -> bool:
    """Remove the policy. Returns False if there was no policy.

    Raises RegistryLocked if another transaction holds a lock for too long.
    """
    policy = ExchangePolicy.objects.select_for_update(of=("self",)).filter(client=client, api=api).first()
    if policy is None:
        return False
    _record("deleted", policy, {}, actor=actor, now=now)  # before the deletion, while the row names client and API
    policy.delete()
    return True


def _record(event: str, policy: ExchangePolicy, details: Mapping[str, object], *, actor: str, now: datetime) -> None:
    """Record an audit event about a policy.

    `event` is the second part of the event's name: `created` records `exchange_policy.created`. The subject of the
    event is the client of the policy.
    """
    subject, with_api = f"client:{policy.client.client_id}", {"api": policy.api.identifier, **details}
    record(f"exchange_policy.{event}", actor=actor, subject=subject, details=with_api, now=now)
