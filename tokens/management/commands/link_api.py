"""`link_api`: set the client as which an existing API asks the issuer."""

import json
from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from tokens.management.arguments import OperatorCommand, exit_codes, find_api, find_client
from tokens.registration import api as apis

ACTOR = "command:link_api"


class Command(OperatorCommand):
    """Parses, calls `link`, prints."""

    help = "Link a client to an API, which asks the issuer as this client (introspection, token exchange)."
    notes = """
  link_api https://orders.example/ --client orders-api
  link_api https://orders.example/ --none

exit codes:
  0  done, or nothing had to change ("changed" in --json says which)
  2  the command was used wrongly, or there is no such API or client
  4  another transaction held the registry for 2 s
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the API and the client."""
        parser.add_argument("api", metavar="identifier", help="the API's identifier")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--client", metavar="CLIENT_ID", help="instead of the one that it is linked to, if any")
        which.add_argument("--none", action="store_true", help="no client: the API cannot introspect any more")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Link the two, and print the result."""
        with exit_codes():
            api = find_api(options["api"])
            client = None if options["none"] else find_client(options["client"])
            changed = apis.link(api, client, actor=ACTOR, now=timezone.now())
        if options["json"]:
            client_id = client.client_id if client else None
            self.stdout.write(json.dumps({"api": api.identifier, "client_id": client_id, "changed": changed}))
            return
        told = f"is linked to {client.client_id}" if client else "is linked to no client"
        self.stdout.write(f"{api.identifier} {told}{'' if changed else ' already'}")
