"""Register an API with its scopes, and link an API to the client with which it authenticates at the issuer."""

from collections.abc import Mapping
from datetime import datetime

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.models import Api, Client, Scope


@registry_lock.change()
def register(api: Api, scopes: Mapping[str, str], *, actor: str, now: datetime) -> Api:
    """Save an API and its scopes in one transaction. `scopes` maps each scope to the description that users read.

    Raises:
        ValidationError: A field is invalid. The error names the field.
        RegistryLocked: Another transaction held a lock for too long.
    """
    api.full_clean()
    api.save()
    record("api.created", actor=actor, subject=f"api:{api.identifier}", now=now)
    for name, description in scopes.items():
        scope = Scope(name=name, description=description, api=api)
        scope.full_clean()
        scope.save()
        record("scope.created", actor=actor, subject=f"scope:{name}", details={"api": api.identifier}, now=now)
    return api


@registry_lock.change()
def link(api: Api, client: Client | None, *, actor: str, now: datetime) -> bool:
    """Link the API to `client`, or to no client if None. Returns False if nothing changed. Raises RegistryLocked."""
    # Read the row again under a lock: the event must name the client that this change replaces.
    locked = Api.objects.select_for_update(of=("self",)).select_related("client").filter(pk=api.pk).first()
    if locked is None:
        raise registry_lock.deleted(f"The API {api.identifier}")
    if locked.client == client:
        return False
    before_after = [linked.client_id if linked else "None" for linked in (locked.client, client)]
    locked.client = client
    locked.save(update_fields=["client"])
    record("api.changed", actor=actor, subject=f"api:{api.identifier}", details={"client": before_after}, now=now)
    return True
