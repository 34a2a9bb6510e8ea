"""Applies the APIs of a manifest, their scopes, and the groups that scopes name.

- A manifest sets the key ring of new APIs only. `rotate_keys --move` moves an existing API, so that its tokens stay
  valid.
- A scope cannot move to another API. That would change the audience of the tokens of clients with this scope.
"""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from tokens.keys import rings
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.manifest.change import Change
from tokens.manifest.run import Run
from tokens.manifest.schema import Item, Manifest
from tokens.models import Api, Client, Ring, Scope
from tokens.registration import api as apis
from tokens.registration import state

OWN = tuple(name for name in state.API_FIELDS if name != "client")
"""The fields that are applied before the clients. The field `client` comes later, because it names a client."""


def apply(manifest: Manifest, run: Run) -> None:
    """Apply groups, APIs and scopes. Collects changes and problems in `run`.

    Does not apply the field `client` of an API, which `link` does later.
    """
    for name in manifest.groups:
        if Group.objects.get_or_create(name=name)[1]:
            run.note(Change(kind="group", name=name, done="added"), f"group:{name}")
    for identifier, entry in manifest.apis.items():
        try:
            api = _api(identifier, entry, run)
        except ValidationError as error:
            run.refuse(entry, error)
            continue
        for name, scope in entry.scopes.items():
            try:
                _scope(api, name, scope, run)
            except ValidationError as error:
                run.refuse(scope, error)


def link(manifest: Manifest, run: Run) -> None:
    """Link each API to the client that the API's entry names, or to no client. Collects changes and problems in `run`.

    The caller must have applied the clients before the call.
    """
    for identifier, entry in manifest.apis.items():
        wanted = entry.values.get("client", "")
        client = Client.objects.filter(client_id=wanted).first() if wanted else None
        if wanted and client is None:
            run.problems.append(entry.problem("client", f"there is no client {wanted}"))
            continue
        api = Api.named(identifier)
        before = api.client.client_id if api and api.client else ""
        if api and apis.link(api, client, actor=run.actor, now=run.now):
            _merge(run, Change(kind="api", name=identifier, done="changed", fields={"client": (before, wanted)}))


def _api(identifier: str, entry: Item, run: Run) -> Api:
    """Create or change an API, and return it. Raises ValidationError if the entry breaks a rule."""
    api = Api.named(identifier) or Api(identifier=identifier)
    values: dict[str, Any] = dict.fromkeys(apis.SWITCHES, False) | {"max_token_lifetime": None, "name": ""}
    values |= {"algorithms": [rings.default_algorithm()], **entry.values}
    wanted: dict[str, Any] = {**values, "algorithms": tuple(sorted(values["algorithms"]))}
    before = {name: value for name, value in state.of_api(api).items() if name in OWN}
    differ = state.differences(before, {name: wanted[name] for name in OWN})
    _require_ring(api, entry.values.get("ring", DEFAULT_RING))
    if api.pk and not differ:
        return api
    seconds = wanted["max_token_lifetime"]
    api.name, api.max_token_lifetime = wanted["name"], None if seconds is None else timedelta(seconds=seconds)
    for name in apis.SWITCHES:
        setattr(api, name, wanted[name] or None)
    if "algorithms" in differ or not api.pk:
        api.algorithms = list(values["algorithms"])
    if api.pk:
        if problem := apis.algorithm_problem(api.identifier, api.algorithms, now=run.now):
            raise ValidationError({"algorithms": problem})
        api.full_clean()
        api.save()
        run.note(Change(kind="api", name=identifier, done="changed", fields=differ), f"api:{api.identifier}")
        return api
    _set_ring(api, entry.values.get("ring", DEFAULT_RING), run)
    apis.register(api, (), actor=run.actor, now=run.now)
    run.changes.append(Change(kind="api", name=identifier, done="added", fields=_new_fields(wanted)))
    return api


def _scope(api: Api, name: str, entry: Item, run: Run) -> None:
    """Create or change a scope. Raises ValidationError if the scope is of another API, or names an unknown group."""
    groups = entry.values.get("groups", [])
    if missing := set(groups) - set(Group.objects.filter(name__in=groups).values_list("name", flat=True)):
        text = f"There is no group {', '.join(sorted(missing))}. Name it under groups, or create it in the admin."
        raise ValidationError({"groups": text})
    wanted = {"description": entry.values["description"], "groups": tuple(sorted(groups))}
    scope = Scope.objects.select_related("api").filter(name=name).first() or Scope(name=name, api=api)
    if scope.api != api:
        raise ValidationError(f"{name} is a scope of {scope.api.identifier}: give this one another name.")
    differ = state.differences(state.of_scope(scope), wanted)
    if scope.pk and not differ:
        return
    scope.description, scope.groups = wanted["description"], list(groups) or None
    scope.full_clean()
    done, details = "changed" if scope.pk else "added", {"api": api.identifier}
    scope.save()
    fields = differ if done == "changed" else _new_fields(wanted)
    with_groups = {"groups": groups} if groups and done == "added" else {}
    run.note(Change(kind="scope", name=name, done=done, fields=fields), f"scope:{name}", **details, **with_groups)


def _require_ring(api: Api, name: str) -> None:
    """Raise ValidationError if the API exists and `name` is not its key ring.

    If the API is moving to another key ring, only the new ring is accepted.
    """
    if api.pk and (api.ring.name if api.ring else DEFAULT_RING) != name:
        command = f"rotate_keys --ring {name} --move {api.identifier}"
        raise ValidationError({"ring": f"An API moves to another ring by a plan: run manage.py {command}."})


def _set_ring(api: Api, name: str, run: Run) -> None:
    """Set the key ring of a new API. The ring signs for the API at once.

    Raises ValidationError if the ring has no keys, or if the API does not accept the algorithm of the ring.
    """
    if name == DEFAULT_RING:
        return
    ring = Ring.objects.filter(name=name, keys__isnull=False).first()
    if ring is None:
        text = f"There is no ring {name} with keys. To create it, run manage.py rotate_keys --ring {name} --algorithm …"
        raise ValidationError({"ring": text})
    if ring.algorithm not in api.algorithms:
        raise ValidationError({"algorithms": f"The ring {name} signs {ring.algorithm}: list it."})
    # No token of another ring exists for a new API, so nothing has to expire before the move.
    api.ring, api.moves_at = ring, run.now


def _new_fields(wanted: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields of a new row as changes from None: a pair (None, value) for each field.

    Leaves out fields that are empty or False.
    """
    return {name: (None, value) for name, value in wanted.items() if value not in (None, "", (), [], False)}


def _merge(run: Run, change: Change) -> None:
    """Add a change to the run. If the run has an earlier change of the same row, extend that change."""
    for at, earlier in enumerate(run.changes):
        if (earlier.kind, earlier.name) == (change.kind, change.name):
            fields = {**earlier.fields, **change.fields}
            run.changes[at] = Change(kind=earlier.kind, name=earlier.name, done=earlier.done, fields=fields)
            return
    run.changes.append(change)
