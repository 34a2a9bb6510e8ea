"""`create_client`: register a client. Its secret is printed once."""

import json
from argparse import ArgumentParser
from dataclasses import fields
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from tokens import conf
from tokens.jose import public_keys
from tokens.keys import store
from tokens.management import client_fields, client_options, recipe_options
from tokens.management.arguments import one_line
from tokens.management.exit_codes import COMMON_CODES, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.models import Client
from tokens.models.client_choices import SECRET_METHODS
from tokens.recipes import defaults
from tokens.recipes.example import RealValues
from tokens.registration import less_strict, repeat
from tokens.registration.client import Registration, api_of

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

NO_SECRET = {
    Client.CLIENT_PUBLIC: "(none: a public client cannot keep a secret; PKCE protects its authorization codes)",
    Client.CLIENT_CONFIDENTIAL: "(none: the client authenticates with its own key)",
}


class Command(OperatorCommand):
    """Registers a client and prints its client_id and secret."""

    help = "Register a client, and print its client_id and secret. The secret is printed once and stored as a hash."
    notes = EXAMPLES + COMMON_CODES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        client_options.add(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Register the client. Print its client_id, its secret and, with `--for`, the configuration of the program."""
        parser = self.create_parser("manage.py", "create_client")
        chosen = recipe_options.choose("create_client", parser, options)
        if chosen is not None:
            options |= self._of_recipe(chosen)
        elif options["name"] is None:
            raise CommandError("--name is required: users read it on the consent page", returncode=USAGE)
        options = client_fields.with_kind(options)
        names = {field.name for field in fields(Registration)} & options.keys()
        policy = client_fields.policy(options) | ({"recipe": chosen.recipe.name} if chosen else {})
        registration = Registration(**{name: options[name] for name in names}, policy=policy)
        try:
            now = store.database_now()
            client, secret, created = repeat.client_once(registration, actor="command:create_client", now=now)
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        for warning in public_keys.skipped(client.client_jwks) if client.client_jwks else ():
            self.stderr.write(f"Warning: {warning}")
        values = RealValues(
            issuer=conf.issuer().url, site=defaults.site_of(chosen.step, chosen.given) if chosen else "",
            client_id=client.client_id, secret=secret or "", scopes=options["scopes"], api=api_of(client),
        )  # fmt: skip
        found = chosen.configuration(values) if chosen else []
        looser = [*less_strict.sentences(client), *filter(None, [chosen.recipe.loosens if chosen else ""])]
        if options["json"]:
            answer: dict[str, Any] = {"client_id": client.client_id, "client_secret": secret, "created": created}
            if chosen:
                answer |= {"recipe": chosen.recipe.name, "less_strict": looser}
                answer |= {"configuration": [part.as_dict() for part in found]}
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(f"client_id      {client.client_id}{'' if created else '  (already registered, unchanged)'}")
        self.stdout.write(f"client_secret  {secret or without_secret(client, created=created)}")
        if chosen:
            self._print(chosen, looser, [*chosen.printed(values)])

    def _of_recipe(self, chosen: recipe_options.Chosen) -> dict[str, Any]:
        """Return the recipe's options for create_client, overridden by the options that the operator set.

        Warns if the operator set a redirect URI with a path that no redirect URI of the recipe has.
        """
        for uri in defaults.unusual_redirect_uris(chosen.step, chosen.given):
            usual = ", ".join(chosen.step.options["redirect_uris"])
            self.stderr.write(f"Warning: {chosen.recipe.title} is known to use {usual}, not {uri}")
        with recipe_options.usage_errors():
            return defaults.client_options(chosen.recipe, chosen.step, chosen.given)

    def _print(self, chosen: recipe_options.Chosen, looser: list[str], lines: list[str]) -> None:
        """Print facts about the registration, and then `lines`, the program's configuration and further commands.

        The facts are `looser` (a sentence for each setting that is less strict than the default), whether the program
        needs verified e-mail addresses, and the version of the program with which the recipe was tried.
        """
        recipe = chosen.recipe
        for sentence in looser:
            self.stdout.write(f"less strict    {sentence}")
        if recipe.needs_verified_email:
            self.stdout.write("needs          a verified e-mail address of each user (admin, Users)")
        self.stdout.write(f"seen with      {recipe.version}")
        for line in lines:
            self.stdout.write(line)


def without_secret(client: Client, *, created: bool) -> str:
    """Return a text that says why no secret is printed. The command prints this text instead of the secret.

    `created` is False if the client was registered before this run.
    """
    if not created and client.token_endpoint_auth_method in SECRET_METHODS:
        return "(unchanged: the client was registered before; to add a secret, run client_secret)"
    return NO_SECRET[client.client_type]
