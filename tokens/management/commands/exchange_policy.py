"""`exchange_policy`: let a client pass users' tokens on to an API (token exchange), from a script."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from tokens.management.arguments import USAGE, OperatorCommand, exit_codes, find_api, find_client, one_line
from tokens.models import ExchangePolicy
from tokens.registration import exchange_policy

ACTOR = "command:exchange_policy"


class Command(OperatorCommand):
    """Parses, calls one function, prints."""

    help = "Let a client pass users' tokens on to an API (RFC 8693), remove that policy, or list policies."
    notes = """
  exchange_policy set orders-api https://stock.example/ --scope stock:read
  exchange_policy remove orders-api https://stock.example/
  exchange_policy list orders-api
`set` allows these scopes and no others. The client needs the grant type of token exchange as well (create_client).

exit codes:
  0  done, or nothing had to change ("changed" in --json says which)
  2  the command was used wrongly, or there is no such client, API or scope
  4  another transaction held the registry for 2 s
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the three actions and their options."""
        what = parser.add_subparsers(dest="what", required=True, metavar="set | remove | list")
        put = what.add_parser("set", help="allow exactly these scopes")
        remove = what.add_parser("remove", help="allow none")
        show = what.add_parser("list", help="print the policies of a client, or all")
        for one in (put, remove):
            one.add_argument("client_id")
            one.add_argument("api", metavar="identifier", help="the API's identifier")
        put.add_argument("--scope", action="append", required=True, dest="scopes", help="may be repeated")
        show.add_argument("client_id", nargs="?")
        for one in (put, remove, show):
            one.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the action, and print the result."""
        try:
            with exit_codes():
                done = show(options) if options["what"] == "list" else change(options)
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        self.stdout.write(json.dumps(done) if options["json"] else said(done))


def change(options: dict[str, Any]) -> dict[str, Any]:
    """Set or remove the policy. Returns True if anything changed, and what is allowed now."""
    client, api = find_client(options["client_id"]), find_api(options["api"])
    if options["what"] == "set":
        changed = exchange_policy.put(client, api, options["scopes"], actor=ACTOR, now=timezone.now())
    else:
        changed = exchange_policy.remove(client, api, actor=ACTOR, now=timezone.now())
    kept = ExchangePolicy.objects.filter(client=client, api=api)
    return {"changed": changed, "policies": listed(kept)}


def show(options: dict[str, Any]) -> dict[str, Any]:
    """Return the policies of one client, or all."""
    kept = ExchangePolicy.objects.order_by("client__client_id", "api__identifier")
    return {"policies": listed(kept.filter(client=find_client(options["client_id"])) if options["client_id"] else kept)}


def listed(kept: Any) -> list[dict[str, Any]]:
    """Return policies by client_id, identifier and scopes."""
    return [
        {
            "client_id": one.client.client_id,
            "api": one.api.identifier,
            "scopes": sorted(one.scopes.values_list("name", flat=True)),
        }
        for one in kept.select_related("client", "api")
    ]


def said(done: dict[str, Any]) -> str:
    """Return the result as lines of text."""
    lines = [f"{one['client_id']}  {one['api']}  {' '.join(one['scopes'])}" for one in done["policies"]]
    note = ["nothing was to be changed"] if done.get("changed") is False else []
    return "\n".join([*note, *(lines or ["no policy"])])
