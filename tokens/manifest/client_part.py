"""Applies the clients of a manifest.

- A field that the file leaves out gets its value from the client's kind or recipe (`preset`), or else its default. But
  `active` and `program` of an existing client keep their values.
- A new client is registered by the function that `create_client` calls, under the same rules.
- A client that begins to authenticate with a secret gets a new secret unless it has a live secret. Existing secrets
  stay as they are.
- A file that names a self-registered client is refused.
"""

from typing import Any

from django.core.exceptions import ValidationError

from tokens.clients import client_secret
from tokens.issued import audience
from tokens.jose import key_text
from tokens.jose.public_keys import UnusableKey
from tokens.manifest import preset
from tokens.manifest.change import Change
from tokens.manifest.run import NewSecret, Run
from tokens.manifest.schema import Item, Manifest
from tokens.models import Api, AuthenticationMethod, Client, Scope
from tokens.registration import secret_rotation, state
from tokens.registration.client import Registration, register


def apply(manifest: Manifest, run: Run) -> None:
    """Apply the clients. Collects changes, new secrets and problems in `run`."""
    for client_id, entry in manifest.clients.items():
        try:
            _client(client_id, entry, run)
        except ValidationError as error:
            run.refuse(entry, error)


def _client(client_id: str, entry: Item, run: Run) -> None:
    """Create or change a client. Collects the change, a new secret, and the problems of `wanted_state` in `run`.

    Changes nothing if there are such problems. Raises ValidationError if the client breaks a rule of the registry.
    """
    problem_count = len(run.problems)
    wanted, program = wanted_state(client_id, entry, run)
    if len(run.problems) > problem_count:
        return
    # The key is not locked: the change can disable the client, and a log-out can hold the grants (access.set_active).
    client = Client.objects.select_for_update(of=("self",), no_key=True).filter(client_id=client_id).first()
    if client is None:
        _register(client_id, wanted, program, run)
        return
    if client.registered_by is not None:
        raise ValidationError("This client registered itself. Remove it from the file.")
    before = state.of_saved_client(client) | {"program": client.recipe or ""}
    wanted["program"] = before["program"] if program is None else program
    if "active" not in entry.values:
        wanted["active"] = before["active"]  # an operator disables a client in an emergency: only the file undoes it
    if differ := state.differences(before, wanted):
        _change(client, wanted)
        run.note(Change(kind="client", name=client_id, done="changed", fields=differ), f"client:{client_id}")
        _give_secret(client, before["authentication"], run)


def wanted_state(client_id: str, entry: Item, run: Run) -> tuple[dict[str, Any], str | None]:
    """Return the client's state that the manifest describes, and the name of the client's recipe or None.

    The recipe's name is None if the entry has neither `recipe` nor `program`. Collects problems in `run`.
    """

    def refuse(name: str, text: str) -> None:
        run.problems.append(entry.problem(name, text))

    values, program = dict(entry.values), entry.values.get("program")
    if "kind" in values and "recipe" in values:
        refuse("recipe", "choose kind or recipe, not both")
    if "kind" in values:
        values = preset.of_kind(values, refuse) | values
    if "recipe" in values:
        program = values["recipe"].partition("/")[0]
        values = preset.of_recipe(client_id, values, run.recipes, refuse) | values
    if "jwks" in values or values.get("jwks_uri"):
        values.setdefault("authentication", AuthenticationMethod.PRIVATE_KEY_JWT.value)
    if values.get("authentication", "client_secret_basic") not in AuthenticationMethod.values:
        refuse("authentication", f"must be one of {', '.join(AuthenticationMethod.values)}")
    if values.get("second_factor", "") not in state.FACTORS:
        refuse("second_factor", f"must be one of {', '.join(filter(None, state.FACTORS))}")
    try:
        values["jwks"] = _keys(values.get("jwks"))
    except UnusableKey as error:
        refuse("jwks", str(error))
    wanted = dict(state.DEFAULTS) | {name: value for name, value in values.items() if name in state.DEFAULTS}
    for name in (*state.LISTS, *state.WORDS):
        wanted[name] = tuple(wanted[name]) if name in state.WORDS else tuple(sorted(set(wanted[name])))
    wanted["apis"] = tuple(
        sorted(api.identifier if (api := Api.named(identifier)) else identifier for identifier in wanted["apis"])
    )
    wanted["scopes"] = tuple(name for name in wanted["scopes"] if name not in audience.offered())
    return wanted, program


def _keys(value: Any) -> Any:
    """Return public keys as a JWKS. Raises UnusableKey if a key is malformed or not permitted."""
    if value is None:
        return None
    return key_text.read(value if isinstance(value, str) else preset.as_json(value))


def _register(client_id: str, wanted: dict[str, Any], program: str | None, run: Run) -> None:
    """Register the client that the manifest describes. Add the change and the client's new secret to `run`.

    `wanted` is the client's state, and `program` is the name of its recipe or None. Raises ValidationError if the
    client breaks a rule.
    """
    columns = state.columns(wanted) | {"recipe": program}
    own = {"name", "grants", "redirect_uris", "client_jwks", "client_jwks_uri", "client_type"}
    registration = Registration(
        name=wanted["name"],
        client_id=client_id,
        grants=wanted["grants"],
        redirect_uris=wanted["redirect_uris"],
        scopes=wanted["scopes"],
        apis=wanted["apis"],
        method=wanted["authentication"],
        jwks=wanted["jwks"],
        jwks_uri=wanted["jwks_uri"],
        policy={name: columns[name] for name in columns.keys() - own - {"token_endpoint_auth_method"}},
    )
    _, secret = register(registration, actor=run.actor, now=run.now)
    fields = {name: (None, value) for name, value in wanted.items() if value != state.DEFAULTS[name]}
    run.changes.append(Change(kind="client", name=client_id, done="added", fields=fields))
    if secret is not None:
        run.secrets.append(NewSecret(client_id, secret))


def _change(client: Client, wanted: dict[str, Any]) -> None:
    """Change an existing client to the state `wanted`. Raises ValidationError if this state breaks a rule."""
    if not wanted["name"].strip():
        raise ValidationError({"name": "Enter a name. It is shown to users on the consent page."})
    scopes = {scope.name: scope for scope in Scope.objects.filter(name__in=wanted["scopes"])}
    apis = {api.identifier: api for api in Api.objects.filter(identifier__in=wanted["apis"])}
    if unknown := set(wanted["scopes"]) - scopes.keys():
        raise ValidationError({"scopes": f"There is no scope {', '.join(sorted(unknown))}."})
    if unknown := set(wanted["apis"]) - apis.keys():
        raise ValidationError({"apis": f"There is no API {', '.join(sorted(unknown))}."})
    for name, value in state.columns(wanted).items():
        setattr(client, name, value)
    client.recipe = wanted["program"] or None
    client.full_clean()
    client.save()
    client.scopes.set(scopes.values())
    client.apis.set(apis.values())


def _give_secret(client: Client, before: str, run: Run) -> None:
    """Create a secret if the client begins to authenticate with a secret and has no live secret.

    `before` is the client's authentication method before the change.
    """
    if client.token_endpoint_auth_method in client_secret.METHODS and before not in client_secret.METHODS:
        live = [stored for stored in client_secret.stored_of(client) if stored.is_live(now=run.now)]
        if not live:
            secret = secret_rotation.add(client, actor=run.actor, now=run.now)
            run.secrets.append(NewSecret(client.client_id, secret))
