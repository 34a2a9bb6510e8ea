"""`exchange_policy`: set, remove or list policies for token exchange (RFC 8693).

A policy permits a client to exchange users' tokens for tokens whose audience is the API of the policy.
"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from tokens.keys import store
from tokens.management.arguments import find_api, find_client, one_line
from tokens.management.exit_codes import USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.models import ExchangePolicy
from tokens.registration import exchange_policy

ACTOR = "command:exchange_policy"


class Command(OperatorCommand):
    """Sets, removes or lists exchange policies."""

    help = "Let a client exchange users' tokens for an API (RFC 8693), remove that policy, or list policies."
    notes = """
  exchange_policy set orders-api https://stock.example/ --scope stock:read
  exchange_policy remove orders-api https://stock.example/
  exchange_policy list orders-api
`set` allows these scopes and no others. The client also needs the grant type token exchange (create_client).

exit codes:
  0  done, or nothing had to change (see "changed" in --json)
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or there is no such client, API or scope
  3  refused because of what the database contains
  4  another process held a lock, or the database interrupted the command or was busy: run it again
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the actions `set`, `remove` and `list`, with their options, to `parser`."""
        actions = parser.add_subparsers(dest="what", required=True, metavar="set | remove | list")
        put = actions.add_parser("set", help="allow these scopes and no others")
        remove = actions.add_parser("remove", help="remove the policy")
        show = actions.add_parser("list", help="list the policies of one client or of all clients")
        for action in (put, remove):
            action.add_argument("client_id")
            action.add_argument("api", metavar="identifier", help="the API's identifier")
        put.add_argument("--scope", action="append", required=True, dest="scopes", help="can be repeated")
        show.add_argument("client_id", nargs="?")
        for action in (put, remove, show):
            action.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the action that the operator named, such as `set`, and print its result."""
        try:
            result = show(options) if options["what"] == "list" else change(options)
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        self.stdout.write(json.dumps(result) if options["json"] else text(result))


def change(options: dict[str, Any]) -> dict[str, Any]:
    """Set or remove an exchange policy. Returns a dict with `changed` and `policies`.

    `changed` is False if nothing had to change. `policies` has the policy after the change, or is empty if there is no
    policy.
    """
    client, api = find_client(options["client_id"]), find_api(options["api"])
    now = store.database_now()
    if options["what"] == "set":
        changed = exchange_policy.put(client, api, options["scopes"], actor=ACTOR, now=now)
    else:
        changed = exchange_policy.remove(client, api, actor=ACTOR, now=now)
    return {"changed": changed, "policies": listed(ExchangePolicy.objects.filter(client=client, api=api))}


def show(options: dict[str, Any]) -> dict[str, Any]:
    """Return the exchange policies of the client that the options name, or of all clients."""
    policies = ExchangePolicy.objects.order_by("client__client_id", "api__identifier")
    if options["client_id"]:
        policies = policies.filter(client=find_client(options["client_id"]))
    return {"policies": listed(policies)}


def listed(policies: Any) -> list[dict[str, Any]]:
    """Return client_id, API identifier and scopes of each policy."""
    return [
        {
            "client_id": policy.client.client_id,
            "api": policy.api.identifier,
            "scopes": sorted(policy.scopes.values_list("name", flat=True)),
        }
        for policy in policies.select_related("client", "api")
    ]


def text(result: dict[str, Any]) -> str:
    """Return the result of an action as text."""
    lines = [f"{policy['client_id']}  {policy['api']}  {' '.join(policy['scopes'])}" for policy in result["policies"]]
    note = ["nothing had to change"] if result.get("changed") is False else []
    return "\n".join([*note, *(lines or ["no policy"])])
