"""Applies the exchange policies of a manifest."""

from django.core.exceptions import ValidationError

from tokens.manifest.change import Change
from tokens.manifest.run import Run
from tokens.manifest.schema import Item, Manifest
from tokens.models import Api, Client, ExchangePolicy
from tokens.registration import exchange_policy


def apply(manifest: Manifest, run: Run) -> None:
    """Apply the exchange policies. Collects changes and problems in `run`."""
    for entry in manifest.exchange_policies:
        try:
            _policy(entry, run)
        except ValidationError as error:
            run.refuse(entry, error)


def _policy(entry: Item, run: Run) -> None:
    """Add or change one exchange policy, and add the change to `run` if there is one.

    Raises ValidationError if the client, the API or a scope does not exist.
    """
    client = Client.objects.filter(client_id=entry.values["client"]).first()
    api = Api.named(entry.values["api"])
    if client is None:
        raise ValidationError({"client": f"there is no client {entry.values['client']}"})
    if api is None:
        raise ValidationError({"api": f"there is no API {entry.values['api']}"})
    policy = ExchangePolicy.objects.filter(client=client, api=api).first()
    before = tuple(sorted(policy.scopes.values_list("name", flat=True))) if policy else ()
    after = tuple(sorted(entry.values["scopes"]))
    if exchange_policy.put(client, api, after, actor=run.actor, now=run.now):
        done = "changed" if policy else "added"
        fields = {"scopes": (before if policy else None, after)}
        run.changes.append(Change(kind="exchange_policy", name=name(client, api), done=done, fields=fields))


def name(client: Client, api: Api) -> str:
    """Return the name of an exchange policy in a Change: the client_id, and the identifier of the API."""
    return f"{client.client_id} {api.identifier}"
