"""Registering APIs from a script: what tokens can be for, and the scopes that may be asked of each."""

from collections.abc import Mapping
from datetime import datetime

from tokens import registry_changes
from tokens.audit import record
from tokens.models import Api, Scope


@registry_changes.change()
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
