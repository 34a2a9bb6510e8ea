"""Register an API with its scopes, and link an API to the client with which it authenticates at the issuer."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from tokens import registry_lock
from tokens.audit.trail import record
from tokens.keys import transfer
from tokens.languages import sentence
from tokens.models import Api, Client, Ring, Scope

SWITCHES = ("introspection_names_user", "lists_audience", "gets_groups", "dangerously_issues_typ_jwt")
"""The switches of an API that are off by default. The audit event `api.created` names the switches that are on."""


@registry_lock.change()
def register(api: Api, scopes: Iterable[Scope], *, actor: str, now: datetime) -> Api:
    """Save an API and its scopes in one transaction. `scopes` are unsaved rows without an API.

    Raises:
        ValidationError: A field is invalid. The error names the field.
        RegistryLocked: Another transaction held a lock for too long.
    """
    api.full_clean()
    api.save()
    row = {"name": api.name} | {name: True for name in SWITCHES if getattr(api, name)}
    record("api.created", actor=actor, subject=f"api:{api.identifier}", details=row, now=now)
    for scope in scopes:
        scope.api = api
        scope.full_clean()
        scope.save()
        details = {"api": api.identifier} | ({"groups": scope.groups} if scope.groups else {})
        record("scope.created", actor=actor, subject=f"scope:{scope.name}", details=details, now=now)
    return api


def algorithm_problem(identifier: str, algorithms: Collection[str], *, now: datetime) -> str | None:
    """Return why the API `identifier` cannot limit its accepted algorithms to `algorithms`, or None if it can.

    Each key ring (a set of signing keys) that signs tokens for the API must use one of `algorithms`. `now` is the time
    of the database's clock.
    """
    rings = transfer.trusted(identifier, now=now)
    ring = Ring.objects.filter(name__in=rings).exclude(algorithm__in=algorithms).first()
    if ring is None:
        return None
    return sentence(
        "{algorithm} is in use: the ring {ring} signs tokens for this API. Move the API to another ring first.",
        algorithm=ring.algorithm,
        ring=ring.name,
    )


@registry_lock.change()
def link(api: Api, client: Client | None, *, actor: str, now: datetime) -> bool:
    """Set the client with which the API authenticates at the issuer. Returns True if this changed the API.

    If `client` is None, the API has no client afterwards. Raises RegistryLocked if the API was deleted, or if another
    transaction holds a lock for too long.
    """
    # Read the row again under a lock: the event must name the client that this change replaces.
    # Without its key, which does not change, so that other transactions can insert rows that refer to the API.
    apis = Api.objects.select_for_update(of=("self",), no_key=True)
    locked = apis.select_related("client").filter(pk=api.pk).first()
    if locked is None:
        raise registry_lock.deleted(f"The API {api.identifier}")
    if locked.client == client:
        return False
    before_after = [linked.client_id if linked else "None" for linked in (locked.client, client)]
    locked.client = client
    locked.save(update_fields=["client"])
    record("api.changed", actor=actor, subject=f"api:{api.identifier}", details={"client": before_after}, now=now)
    return True


def scope_rows(descriptions: dict[str, str], limits: list[tuple[str, str]]) -> list[Scope]:
    """Return an unsaved scope for each entry of `descriptions`, which maps names of scopes to descriptions.

    Each entry of `limits` is a scope and a group. A scope with such entries is granted only to users in one of its
    groups. Raises ValidationError if a limit names a scope that is not in `descriptions`, or a group that does not
    exist.
    """
    groups = set(Group.objects.filter(name__in={group for _, group in limits}).values_list("name", flat=True))
    for name, group in limits:
        if name not in descriptions:
            raise ValidationError({"--limit-scope": f"{name} is no scope of this API."})
        if group not in groups:
            raise ValidationError({"--limit-scope": f"There is no group {group}. Create it in the admin."})
    groups_by_scope = {name: [group for limited, group in limits if limited == name] or None for name in descriptions}
    return [Scope(name=name, description=text, groups=groups_by_scope[name]) for name, text in descriptions.items()]
