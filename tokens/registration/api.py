"""Registers APIs with their scopes from a script, and links each to the client as which it asks the issuer."""

from collections.abc import Mapping
from datetime import datetime

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.models import Api, Client, Scope


@registry_lock.change()
def register(api: Api, scopes: Mapping[str, str], *, actor: str, now: datetime) -> Api:
    """Make an API and its scopes, named with what users read about each; all of it or nothing.

    Raises ValidationError, with each problem at the field it belongs to, and RegistryLocked.
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
    """Link the API to `client`, or to none. Returns False if that is so already. Raises RegistryLocked."""
    kept = Api.objects.select_for_update(of=("self",)).select_related("client").get(pk=api.pk)
    if kept.client == client:
        return False
    told = [one.client_id if one else "None" for one in (kept.client, client)]
    kept.client = client
    kept.save(update_fields=["client"])
    record("api.changed", actor=actor, subject=f"api:{api.identifier}", details={"client": told}, now=now)
    return True
