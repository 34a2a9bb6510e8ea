"""`create_api`: register an API and its scopes."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from tokens import conf
from tokens.keys import store
from tokens.management import api_options, recipe_options, registration_output
from tokens.management.arguments import one_line
from tokens.management.exit_codes import COMMON_CODES, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.management.recipe_options import Chosen
from tokens.recipes import defaults
from tokens.recipes.example import RealValues
from tokens.registration.client import Registration
from tokens.registration.result import ApiResult, register_api


class Command(OperatorCommand):
    """Registers an API and prints its identifier and scopes."""

    help = "Register an API and its scopes, so that clients can be allowed to request them."
    notes = f"""
examples:
  an API with two scopes, each with the description that users read on the consent page:
    create_api --identifier https://orders.example/ --name Orders \\
               --scope orders:read="See your orders" --scope orders:write="Order in your name"
  an API that sends requests to the issuer (introspection, token exchange), with its client from create_client:
    create_api --identifier https://orders.example/ --name Orders --client orders-api
  a broker, which has no URL of its own:
    create_api --identifier urn:example:broker --name Broker --scope urn:example:broker.read:*/*="Read every queue"
  a mail server that finds its mailboxes by the user's name (Dovecot, introspection_mode = post):
    create_api --identifier https://mail.example/ --name Mail --scope imap="Read your mail" --client imap \\
               --introspection-names-user
  RabbitMQ, with what it needs and its configuration (manage.py recipes lists the programs):
    create_api --for rabbitmq
  an API whose reports are for accountants only (the group must exist):
    create_api --identifier https://reports.example/ --name Reports \\
               --scope reports:read="See the reports" --limit-scope reports:read=Accounting

the identifier:
  Best the API's base URL with the slash at its end: some resource servers (django-oauth-toolkit) compare it with the
  URL of a request. A URN for software without a URL. It is the aud of the tokens, exactly as it is registered; clients
  may leave out the slash of an empty path (https://orders.example), but no other.

The command can be repeated. An API with this identifier that is equal stays unchanged. One that differs is an error,
which names the differences.

To sign tokens for this API with a ring of its own, run rotate_keys --ring RING --move IDENTIFIER. Other properties can
be changed in the admin.
{COMMON_CODES}"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        api_options.add(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Register the API, and print its identifier and scopes.

        If `--for` names a recipe, also prints the configuration of the program that the recipe is about.
        """
        chosen = recipe_options.choose("create_api", self.create_parser("manage.py", "create_api"), options)
        if chosen is not None:
            with recipe_options.usage_errors():
                options |= defaults.api_options(chosen.recipe, chosen.step, chosen.operator_options)
        check_options(options)
        try:
            wanted = api_options.api(options, own_client=own_client(chosen, options))
            result = register_api(wanted, actor="command:create_api", now=store.database_now())
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        values = real_values(result, chosen) if chosen else RealValues()
        if options["json"]:
            self.stdout.write(json.dumps(registration_output.api_json(result, chosen, values)))
            return
        for line in registration_output.api_lines(result, chosen, values):
            self.stdout.write(line)


def check_options(options: dict[str, Any]) -> None:
    """Raise CommandError if a required option is missing, or if a scope is given twice."""
    if missing := [f"--{name}" for name in ("identifier", "name") if options[name] is None]:
        raise CommandError(f"the following arguments are required: {', '.join(missing)}", returncode=USAGE)
    names = [name for name, _ in options["scopes"]]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise CommandError(f"--scope: {', '.join(sorted(repeated))} is given twice", returncode=USAGE)


def own_client(chosen: Chosen | None, options: dict[str, Any]) -> Registration | None:
    """Return the registration of the recipe's introspection client, which is registered together with the API.

    Returns None if --for is absent, if the recipe has no such client, or if the operator named a client for the API.
    """
    if chosen is None:
        return None
    own = defaults.own_client(chosen.recipe, chosen.operator_options, options["client"])
    if own is None:
        return None
    return Registration(
        name=own["name"],
        client_id=options["client"],
        method=own.get("method"),
        policy={"recipe": chosen.recipe.name},
    )


def real_values(result: ApiResult, chosen: Chosen) -> RealValues:
    """Return the values of the registered API that replace the example values of the recipe."""
    example = chosen.step.options
    return RealValues(
        issuer=conf.issuer().url,
        client_id=result.client_id,
        secret=result.secret or "",
        identifier=(example["identifier"], result.api.identifier),
        api_scopes=(list(example.get("scopes", {})), result.scopes),
    )
