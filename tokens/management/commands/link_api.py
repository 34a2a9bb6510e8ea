"""`link_api`: set the client with which an API authenticates at the issuer."""

import json
from argparse import ArgumentParser
from typing import Any

from tokens.keys import store
from tokens.management.arguments import find_api, find_client
from tokens.management.operator_command import OperatorCommand
from tokens.registration import api as apis

ACTOR = "command:link_api"


class Command(OperatorCommand):
    """Links an API to the client with which it authenticates at the issuer, or removes the link."""

    help = "Set the client with which an API authenticates at the issuer (introspection, token exchange)."
    notes = """
  link_api https://orders.example/ --client orders-api
  link_api https://orders.example/ --none

exit codes:
  0  done, or nothing had to change (see "changed" in --json)
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or there is no such API or client
  3  refused because of what the database contains
  4  another process held a lock, or the database interrupted the command or was busy: run it again
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments and options of this command to `parser`."""
        parser.add_argument("api", metavar="identifier", help="the API's identifier")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--client", metavar="CLIENT_ID", help="the client; replaces a client that is linked already")
        which.add_argument(
            "--none", action="store_true", help="remove the link: the API can no longer introspect tokens"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Link the API to the client, or remove the API's link, and print the result."""
        api = find_api(options["api"])
        client = None if options["none"] else find_client(options["client"])
        changed = apis.link(api, client, actor=ACTOR, now=store.database_now())
        if options["json"]:
            client_id = client.client_id if client else None
            self.stdout.write(json.dumps({"api": api.identifier, "client_id": client_id, "changed": changed}))
            return
        linked_to = client.client_id if client else "no client"
        self.stdout.write(f"{api.identifier} {'is' if changed else 'was already'} linked to {linked_to}")
