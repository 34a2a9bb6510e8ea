"""`create_client`: register a client. Its secret is printed once."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from tokens import conf
from tokens.keys import store
from tokens.management import client_fields, client_options, recipe_options, registration_output
from tokens.management.arguments import one_line
from tokens.management.exit_codes import COMMON_CODES, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.management.recipe_options import Chosen
from tokens.recipes import defaults
from tokens.recipes.example import RealValues
from tokens.registration.result import ClientResult, register_client

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
  oauth2-proxy, with what it needs and its configuration (manage.py recipes lists the programs):
    create_client --for oauth2-proxy --redirect-uri https://app.example/oauth2/callback

To add or revoke secrets later, use client_secret.

The command can be repeated. A client with this --client-id, or else with this name, that is equal stays unchanged; its
secret is not printed again. If the client with this --client-id differs, the command fails and names the differences.
"""


class Command(OperatorCommand):
    """Registers a client and prints its client_id and secret."""

    help = "Register a client, and print its client_id and secret. The secret is printed once and stored as a hash."
    notes = EXAMPLES + COMMON_CODES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        client_options.add(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Register the client, and print its client_id and secret.

        If `--for` names a recipe, also prints the configuration of the program that the recipe is about.
        """
        chosen = recipe_options.choose("create_client", self.create_parser("manage.py", "create_client"), options)
        if chosen is not None:
            options |= self._of_recipe(chosen)
        elif options["name"] is None:
            raise CommandError("--name is required: users read it on the consent page", returncode=USAGE)
        wanted = client_fields.registration(options, recipe=chosen.recipe.name if chosen else "")
        try:
            result = register_client(wanted, actor="command:create_client", now=store.database_now())
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        for warning in result.warnings:
            self.stderr.write(f"Warning: {warning}")
        values = real_values(result, chosen, wanted.scopes)
        if options["json"]:
            self.stdout.write(json.dumps(registration_output.client_json(result, chosen, values)))
            return
        for line in registration_output.client_lines(result, chosen, values):
            self.stdout.write(line)

    def _of_recipe(self, chosen: Chosen) -> dict[str, Any]:
        """Return the recipe's options for create_client, overridden by the options that the operator set.

        Warns if the operator set a redirect URI with a path that no redirect URI of the recipe has.
        """
        for uri in defaults.unusual_redirect_uris(chosen.step, chosen.operator_options):
            usual = ", ".join(chosen.step.options["redirect_uris"])
            self.stderr.write(f"Warning: {chosen.recipe.title} is known to use {usual}, not {uri}")
        with recipe_options.usage_errors():
            return defaults.client_options(chosen.recipe, chosen.step, chosen.operator_options)


def real_values(result: ClientResult, chosen: Chosen | None, scopes: Sequence[str]) -> RealValues:
    """Return the values of the registered client that replace the example values of the recipe."""
    return RealValues(
        issuer=conf.issuer().url,
        site=defaults.site_of(chosen.step, chosen.operator_options) if chosen else "",
        client_id=result.client.client_id,
        secret=result.secret or "",
        scopes=scopes,
        api=result.api,
    )
