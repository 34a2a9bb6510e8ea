"""Exchange policies from a script: which client may pass which user's token on to which API, with which scopes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.core.exceptions import ValidationError

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.models import Api, Client, ExchangePolicy, Scope


def foreign(scopes: Iterable[Scope], api: Api | None) -> list[str]:
    """Return the names of the scopes that do not belong to the API."""
    return [scope.name for scope in scopes if scope.api != api]


@registry_lock.change()
def put(client: Client, api: Api, names: Sequence[str], *, actor: str, now: datetime) -> bool:
    """Let the client pass tokens on to the API with exactly these scopes. Returns False if that is so already.

    Raises ValidationError if there is no scope or one of another API, and RegistryLocked.
    """
    scopes = list(Scope.objects.filter(name__in=names))
    if unknown := set(names) - {scope.name for scope in scopes} | set(foreign(scopes, api)):
        raise ValidationError({"scopes": f"Not a scope of this API: {', '.join(sorted(unknown))}."})
    if not scopes:
        raise ValidationError({"scopes": "Name one scope or more; a policy without any allows nothing."})
    policy, made = ExchangePolicy.objects.select_for_update().get_or_create(client=client, api=api)
    before = sorted(policy.scopes.values_list("name", flat=True))
    after = sorted(scope.name for scope in scopes)
    if before == after:
        return False
    policy.scopes.set(scopes)
    told = {"scopes": after} if made else {"scopes": [", ".join(before), ", ".join(after)]}
    _record("created" if made else "changed", policy, told, actor=actor, now=now)
    return True


@registry_lock.change()
def remove(client: Client, api: Api, *, actor: str, now: datetime) -> bool:
    """Remove the policy. Returns False if there was none. Raises RegistryLocked."""
    policy = ExchangePolicy.objects.select_for_update(of=("self",)).filter(client=client, api=api).first()
    if policy is None:
        return False
    _record("deleted", policy, {}, actor=actor, now=now)
    policy.delete()
    return True


def _record(done: str, policy: ExchangePolicy, details: Mapping[str, object], *, actor: str, now: datetime) -> None:
    """Record an event of the client that may exchange tokens, as the admin does."""
    subject, told = f"client:{policy.client.client_id}", {"api": policy.api.identifier, **details}
    record(f"exchange_policy.{done}", actor=actor, subject=subject, details=told, now=now)
