"""Registers a client or an API unless it is already there: `create_client` and `create_api` can run twice.

- A client is found by its client_id, or by its name if the operator gave no client_id. An API is found by its
  identifier.
- If the existing registration is equal, nothing happens.
- If the client_id or the identifier exists with other values, the new registration is refused, and the error names the
  differences. A repeated command must not silently change a client.
- Names are not unique. If a client of the same name has other values, the new client is registered in addition.
- The expiry date of a secret is not compared. An existing secret stays as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from tokens import registry_lock
from tokens.models import Api, Client, Scope
from tokens.registration import api as apis
from tokens.registration import state
from tokens.registration.client import Registration, register, unsaved


# The lock is held from the comparison to the commit, so that of two runs at once only one registers.
@registry_lock.change()
def client_once(registration: Registration, *, actor: str, now: datetime) -> tuple[Client, str | None, bool]:
    """Register the client unless it is registered already.

    Returns the client, its new secret or None, and True if the client is new.

    Raises ValidationError if a client with this client_id exists and differs. Also raises what `register` raises.
    """
    if (equal := equal_client(registration)) is not None:
        return equal, None, False
    client, secret = register(registration, actor=actor, now=now)
    return client, secret, True


@registry_lock.change()
def api_once(
    api: Api, scopes: Sequence[Scope], own_client: Registration | None = None, *, actor: str, now: datetime
) -> tuple[Api, str | None, bool]:
    """Register the API with its scopes, and `own_client` unless it is None. Skip what is registered already.

    The API authenticates at the issuer as `own_client`. Returns the API, the new secret of `own_client` or None, and
    True if the API is new.

    Raises ValidationError if the API or the client exists and differs. Also raises what
    `client.register` and `api.register` raise.
    """
    secret = None
    if own_client is not None:
        api.client, secret, _ = client_once(own_client, actor=actor, now=now)
    if (equal := equal_api(api, scopes)) is not None:
        return equal, secret, False
    return apis.register(api, scopes, actor=actor, now=now), secret, True


def equal_client(registration: Registration) -> Client | None:
    """Return the existing client that equals `registration`, or None if there is none.

    Raises ValidationError if the client with this client_id differs, or if the registration names a scope or API that
    does not exist.
    """
    by = {"client_id": registration.client_id} if registration.client_id else {"name": registration.name.strip()}
    clients = list(Client.objects.filter(**by, registered_by=None).order_by("pk"))
    if not clients:
        return None
    wanted = state.of_client(*unsaved(registration))
    differ = {client: state.differences(state.of_saved_client(client), wanted) for client in clients}
    equal = next((client for client, fields in differ.items() if not fields), None)
    if equal is not None or not registration.client_id:  # names are not unique
        return equal
    client = clients[0]
    text = f"The client {client.client_id} is registered and differs: {_listed(differ[client])}."
    raise ValidationError({"client_id": text})


def equal_api(api: Api, scopes: Iterable[Scope]) -> Api | None:
    """Return the existing API that has the identifier of `api`, or None if there is none.

    Raises ValidationError if the existing API or its scopes differ from `api` and `scopes`.
    """
    stored = Api.named(api.identifier)
    if stored is None:
        return None
    before, after = state.of_api(stored), state.of_api(api)
    texts = [f"{scope.name}={scope.description}" for scope in stored.scopes.all()]
    before["scopes"], after["scopes"] = sorted(texts), sorted(f"{scope.name}={scope.description}" for scope in scopes)
    before["groups"], after["groups"] = _groups(stored.scopes.all()), _groups(scopes)
    if differ := state.differences(before, after):
        text = f"The API {stored.identifier} is registered and differs: {_listed(differ)}."
        raise ValidationError({"identifier": f"{text} To change it, use the admin or manage.py apply."})
    return stored


def _groups(scopes: Iterable[Scope]) -> list[str]:
    return sorted(f"{scope.name}={group}" for scope in scopes for group in scope.groups or ())


def _listed(differ: Mapping[str, tuple[Any, Any]]) -> str:
    """Return the differences as text, each with the registered value and the value of the new registration."""
    shown = ((name, *(state.text(name, value) or "(none)" for value in values)) for name, values in differ.items())
    return "; ".join(f"{name} is {before}, not {after}" for name, before, after in shown)
