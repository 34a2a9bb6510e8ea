"""Decides if a registration that is repeated is already there: `create_client` and `create_api` can run twice.

- A client is found by its client_id, or by its name if the operator gave no client_id. An API is found by its
  identifier.
- If what is there is equal, nothing happens. If the client_id or identifier is there and differs, the registration is
  refused with the differences: a repeated command must not change a client silently.
- Names are not unique: a client with the same name that differs is another client.
- The expiry date of a secret is not compared. A secret that is there stays as it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from tokens.models import Api, Client, Scope
from tokens.registration import state
from tokens.registration.client import Registration, unsaved


def equal_client(registration: Registration) -> Client | None:
    """Return the client that this registration describes, or None if there is none.

    Raises ValidationError if the client with this client_id differs, or if the registration is wrong.
    """
    by = {"client_id": registration.client_id} if registration.client_id else {"name": registration.name.strip()}
    found = list(Client.objects.filter(**by, registered_by=None).order_by("pk"))
    if not found:
        return None
    wanted = state.of_client(*unsaved(registration))
    differ = {client: state.differences(state.of_saved_client(client), wanted) for client in found}
    equal = next((client for client, fields in differ.items() if not fields), None)
    if equal is not None or not registration.client_id:  # names are not unique
        return equal
    client = found[0]
    text = f"The client {client.client_id} is registered and differs: {_listed(differ[client])}."
    raise ValidationError({"client_id": text})


def equal_api(api: Api, scopes: Iterable[Scope]) -> Api | None:
    """Return the API that is registered like this, or None if there is none with this identifier.

    Raises ValidationError if the API or its scopes differ.
    """
    found = Api.named(api.identifier)
    if found is None:
        return None
    before, after = state.of_api(found), state.of_api(api)
    texts = [f"{scope.name}={scope.description}" for scope in found.scopes.all()]
    before["scopes"], after["scopes"] = sorted(texts), sorted(f"{one.name}={one.description}" for one in scopes)
    before["groups"], after["groups"] = _groups(found.scopes.all()), _groups(scopes)
    if differ := state.differences(before, after):
        text = f"The API {found.identifier} is registered and differs: {_listed(differ)}."
        raise ValidationError({"identifier": f"{text} To change it, use the admin or manage.py apply."})
    return found


def _groups(scopes: Iterable[Scope]) -> list[str]:
    return sorted(f"{scope.name}={group}" for scope in scopes for group in scope.groups or ())


def _listed(differ: Mapping[str, tuple[Any, Any]]) -> str:
    """Return the differences as text: what is registered, and what the command says."""
    shown = ((name, *(state.text(name, value) or "(none)" for value in values)) for name, values in differ.items())
    return "; ".join(f"{name} is {before}, not {after}" for name, before, after in shown)
