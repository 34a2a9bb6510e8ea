"""`create_api`: register an API and its scopes from a script."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from tokens.jose.key_format import ALGORITHMS
from tokens.management.arguments import USAGE, OperatorCommand, exit_codes, one_line, seconds
from tokens.models import Api, Client
from tokens.registration.api import register


class Command(OperatorCommand):
    """Parses, calls `register`, prints."""

    help = "Register an API and the scopes that it owns: clients can be allowed them from then on."
    notes = """
examples:
  an API with two scopes, each with what users read when they are asked for it:
    create_api --identifier https://orders.example/ --name Orders \\
               --scope orders:read="See your orders" --scope orders:write="Order in your name"
  one that asks the issuer itself (introspection, token exchange), as the client that create_client made for it:
    create_api --identifier https://orders.example/ --name Orders --client orders-api

A ring of keys of its own is given to it by rotate_keys --ring RING --move IDENTIFIER; the admin changes the rest.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--identifier", required=True, metavar="URI", help="the aud of its tokens, as the API compares it"
        )
        parser.add_argument("--name", required=True, help="what users read on the consent page")
        parser.add_argument(
            "--scope", action="append", default=[], type=scope, metavar="NAME=DESCRIPTION", dest="scopes",
            help="a scope, and what users read about it; may be repeated",
        )  # fmt: skip
        parser.add_argument(
            "--max-token-lifetime", type=seconds, metavar="SECONDS", help="no access token for it lives longer"
        )
        parser.add_argument("--client", metavar="CLIENT_ID", help="the client that it is when it asks the issuer")
        parser.add_argument(
            "--algorithm", action="append", choices=ALGORITHMS, metavar="ALGORITHM", dest="algorithms",
            help=f"a signature that it accepts, one of {', '.join(ALGORITHMS)}; may be repeated; RS256 when left out",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Register the API and print what clients name it by."""
        names = [name for name, _ in options["scopes"]]
        if twice := {name for name in names if names.count(name) > 1}:
            raise CommandError(f"--scope: {', '.join(sorted(twice))} is named twice", returncode=USAGE)
        api = Api(
            identifier=options["identifier"],
            name=options["name"],
            max_token_lifetime=options["max_token_lifetime"],
            client=client(options["client"]),
        )
        if options["algorithms"]:
            api.algorithms = list(dict.fromkeys(options["algorithms"]))
        try:
            with exit_codes():
                register(api, dict(options["scopes"]), actor="command:create_api", now=timezone.now())
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        if options["json"]:
            self.stdout.write(json.dumps({"identifier": api.identifier, "scopes": names}))
            return
        self.stdout.write(f"identifier  {api.identifier}")
        self.stdout.write(f"scopes      {' '.join(names) or '(none)'}")


def scope(text: str) -> tuple[str, str]:
    """A scope and its description."""
    name, equals, description = text.partition("=")
    if not (equals and description.strip()):
        raise ArgumentTypeError(f"{text!r} lacks what users read about it: --scope {name or 'NAME'}=DESCRIPTION")
    return name, description.strip()


def client(client_id: str | None) -> Client | None:
    """The client of this id; raises CommandError where there is none."""
    if client_id is None:
        return None
    found = Client.objects.filter(client_id=client_id).first()
    if found is None:
        raise CommandError(f"--client: there is no client {client_id}; create_client makes one", returncode=USAGE)
    return found
