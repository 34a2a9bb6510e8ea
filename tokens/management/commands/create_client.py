"""`create_client`: register a client. Its secret is printed once."""

import json
from argparse import ArgumentParser
from dataclasses import fields
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from tokens.jose import public_keys
from tokens.keys import store
from tokens.management import client_options
from tokens.management.arguments import one_line
from tokens.management.operator_command import USAGE, OperatorCommand, exit_codes
from tokens.models import Client
from tokens.registration.client import Registration, register

EXAMPLES = """
examples:
  a web application that logs users in, by its kind, and the same by its grant type only, without refresh tokens:
    create_client --name "My app" --kind web --redirect-uri https://app.example/callback --scope notes:read
    create_client --name "My app" --grant authorization_code --redirect-uri https://app.example/callback \\
                  --scope notes:read --scope notes:write
  a service without users:
    create_client --name "Nightly report" --grant client_credentials --scope notes:read
  a service that authenticates with its own private key (public.jwks.json has the public half):
    create_client --name "Orders" --grant client_credentials --scope notes:read --jwks public.jwks.json
  an application without a server (it cannot keep a secret; PKCE protects its authorization codes):
    create_client --name "Phone app" --public --grant authorization_code --redirect-uri com.example.app:/callback
  an API that only introspects tokens (/oauth/introspect); then link the client to the API with link_api:
    create_client --name "Orders API"

To add or revoke secrets later, use client_secret.
"""

NO_SECRET = {
    Client.CLIENT_PUBLIC: "(none: a public client cannot keep a secret; PKCE protects its authorization codes)",
    Client.CLIENT_CONFIDENTIAL: "(none: the client authenticates with its own key)",
}


class Command(OperatorCommand):
    """Registers a client and prints its client_id and secret."""

    help = "Register a client, and print its client_id and secret. The secret is printed once and stored as a hash."
    notes = EXAMPLES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        client_options.add(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Register the client, and print its client_id and secret."""
        options = client_options.with_kind(options)
        names = {field.name for field in fields(Registration)} & options.keys()
        registration = Registration(**{name: options[name] for name in names}, policy=client_options.policy(options))
        try:
            with exit_codes():
                client, secret = register(registration, actor="command:create_client", now=store.database_now())
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        for warning in public_keys.skipped(client.client_jwks) if client.client_jwks else ():
            self.stderr.write(f"Warning: {warning}")
        if options["json"]:
            self.stdout.write(json.dumps({"client_id": client.client_id, "client_secret": secret}))
            return
        self.stdout.write(f"client_id      {client.client_id}")
        self.stdout.write(f"client_secret  {secret or NO_SECRET[client.client_type]}")
