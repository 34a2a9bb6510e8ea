"""`create_api`: register an API and its scopes."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from tokens import conf
from tokens.keys import rings, store
from tokens.management import api_options, recipe_options
from tokens.management.arguments import find_client, one_line
from tokens.management.exit_codes import COMMON_CODES, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.models import Api
from tokens.recipes import defaults
from tokens.recipes.example import RealValues
from tokens.registration import repeat
from tokens.registration.api import SWITCHES, scope_rows
from tokens.registration.client import Registration


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
        """Register the API. Print its identifier, its scopes and, with `--for`, the configuration of that program."""
        chosen = recipe_options.choose("create_api", self.create_parser("manage.py", "create_api"), options)
        if chosen is not None:
            with recipe_options.usage_errors():
                options |= defaults.api_options(chosen.recipe, chosen.step, chosen.given)
        if missing := [f"--{name}" for name in ("identifier", "name") if options[name] is None]:
            raise CommandError(f"the following arguments are required: {', '.join(missing)}", returncode=USAGE)
        names = [name for name, _ in options["scopes"]]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise CommandError(f"--scope: {', '.join(sorted(repeated))} is given twice", returncode=USAGE)
        try:
            own_client, now = self._own_client(chosen, options), store.database_now()
            api = self._api(options, is_linked=own_client is not None)
            scopes = scope_rows(dict(options["scopes"]), options["limits"])
            api, secret, created = repeat.api_once(api, scopes, own_client, actor="command:create_api", now=now)
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        own = (options["client"] if own_client else "", secret or "")
        if not created and not options["json"]:
            self.stdout.write("already registered, unchanged")
        self._print(api, names, chosen, own, created=created, as_json=options["json"])

    def _api(self, options: dict[str, Any], *, is_linked: bool) -> Api:
        """Return the API that the options describe, which is not saved yet.

        `is_linked` is True if the API's client is registered later, together with the API. Then the field `client`
        stays empty. Raises CommandError if the options name a client that does not exist.
        """
        client = None if is_linked or options["client"] is None else find_client(options["client"])
        api = Api(
            identifier=options["identifier"],
            name=options["name"],
            max_token_lifetime=options["max_token_lifetime"],
            client=client,
            **{name: options[name] or None for name in SWITCHES},
        )
        api.algorithms = list(dict.fromkeys(options["algorithms"] or [rings.default_algorithm()]))
        return api

    def _own_client(self, chosen: recipe_options.Chosen | None, options: dict[str, Any]) -> Registration | None:
        """Return the registration of the API's introspection client, read from the recipe that --for names.

        The caller registers this client together with the API.

        Returns None if --for is absent, if the recipe has no introspection client, or if the operator named a client.
        """
        if chosen is None or "client" in chosen.given or not options["client"]:
            return None
        own = next(step for step in chosen.recipe.steps if step.options.get("client_id") == options["client"])
        return Registration(
            name=own.options["name"],
            client_id=options["client"],
            method=own.options.get("method"),
            policy={"recipe": chosen.recipe.name},
        )

    def _print(
        self,
        api: Api,
        scopes: list[str],
        chosen: recipe_options.Chosen | None,
        own: tuple[str, str],
        *,
        created: bool,
        as_json: bool,
    ) -> None:
        """Print the API. With `--for`, also print the program's introspection client and configuration.

        `own` has the client_id and the secret of the introspection client. The client_id is "" if the command registers
        no such client, and the secret is "" if it generated none.
        """
        values = self._values(api, scopes, chosen, own) if chosen else RealValues()
        found = chosen.configuration(values) if chosen else []
        if as_json:
            answer: dict[str, Any] = {"identifier": api.identifier, "scopes": scopes, "created": created}
            if chosen:
                answer |= {"recipe": chosen.recipe.name, "client_id": own[0] or None, "client_secret": own[1] or None}
                answer |= {"configuration": [part.as_dict() for part in found]}
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(f"identifier  {api.identifier}")
        self.stdout.write(f"scopes      {' '.join(scopes) or '(none)'}")
        if chosen is None:
            return
        if own[0]:
            self.stdout.write(f"client_id   {own[0]}")
            self.stdout.write(f"secret      {own[1] or '(unchanged: to add a secret, run client_secret)'}")
        self.stdout.write(f"seen with   {chosen.recipe.version}")
        for line in chosen.printed(values):
            self.stdout.write(line)

    def _values(self, api: Api, scopes: list[str], chosen: recipe_options.Chosen, own: tuple[str, str]) -> RealValues:
        example = chosen.step.options
        return RealValues(
            issuer=conf.issuer().url,
            client_id=own[0],
            secret=own[1],
            identifier=(example["identifier"], api.identifier),
            api_scopes=(list(example.get("scopes", {})), scopes),
        )
