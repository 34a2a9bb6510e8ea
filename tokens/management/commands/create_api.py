"""`create_api`: register an API and its scopes."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from tokens import conf, registry_lock
from tokens.jose.key_format import ALGORITHMS
from tokens.keys import rings, store
from tokens.management import recipe_options
from tokens.management.arguments import find_client, one_line, seconds
from tokens.management.operator_command import USAGE, OperatorCommand, exit_codes
from tokens.models import Api, Client
from tokens.recipes import defaults
from tokens.recipes.example import RealValues
from tokens.registration import repeat
from tokens.registration.api import SWITCHES, register, scope_rows
from tokens.registration.client import Registration
from tokens.registration.client import register as register_client


class Command(OperatorCommand):
    """Registers an API and prints its identifier and scopes."""

    help = "Register an API and its scopes, so that clients can be allowed to request them."
    notes = """
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
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        recipe_options.add(parser, example="rabbitmq")
        parser.add_argument(
            "--identifier", metavar="URI", help="the aud of the API's tokens; see below; required without --for"
        )
        parser.add_argument("--name", help="shown to users on the consent page; required without --for")
        parser.add_argument(
            "--scope", action="append", default=[], type=scope, metavar="NAME=DESCRIPTION", dest="scopes",
            help="a scope, and its description for users; can be repeated",
        )  # fmt: skip
        parser.add_argument(
            "--max-token-lifetime",
            type=seconds,
            metavar="SECONDS",
            help="longest lifetime of an access token for this API",
        )
        parser.add_argument(
            "--client", metavar="CLIENT_ID", help="the client with which the API authenticates at the issuer"
        )
        parser.add_argument(
            "--algorithm", action="append", choices=ALGORITHMS, metavar="ALGORITHM", dest="algorithms",
            help=f"a signature algorithm that the API accepts: {', '.join(ALGORITHMS)}; can be repeated; default:"
            " that of the default ring",
        )  # fmt: skip
        parser.add_argument(
            "--limit-scope", action="append", default=[], type=limit, metavar="NAME=GROUP", dest="limits",
            help="give the scope only to users in this group; can be repeated",
        )  # fmt: skip
        self._add_switches(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def _add_switches(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--introspection-names-user", action="store_true",
            help="introspection tells the client of this API the user's username and verified e-mail address; for"
            " software that finds its users by name, such as Dovecot and django-oauth-toolkit",
        )  # fmt: skip
        parser.add_argument(
            "--audience-as-list", action="store_true", dest="lists_audience",
            help="write aud as a list with one entry, for a verifier that cannot read a string",
        )  # fmt: skip
        parser.add_argument(
            "--groups-in-tokens", action="store_true", dest="gets_groups",
            help="put the user's groups (GROUPS_CLAIM) into access tokens if the user granted the scope groups",
        )  # fmt: skip
        parser.add_argument(
            "--dangerously-issue-typ-jwt", action="store_true", dest="dangerously_issues_typ_jwt",
            help="sign tokens with the typ JWT instead of at+jwt; only for a verifier that refuses at+jwt (Dovecot's"
            " local validation) and compares aud, because ID tokens have this type, too; Keyturn's own resources"
            " refuse such tokens unless DANGEROUSLY_ACCEPT_TYP_JWT is set",
        )  # fmt: skip

    def handle(self, *_args: Any, **options: Any) -> None:
        """Register the API, and print its identifier and scopes, and its program's configuration with `--for`."""
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
            with exit_codes(), registry_lock.change():
                client, secret = self._client(chosen, options)
                api = self._api(options, client)
                scopes = scope_rows(dict(options["scopes"]), options["limits"])
                created = (equal := repeat.equal_api(api, scopes)) is None
                api = equal or register(api, scopes, actor="command:create_api", now=timezone.now())
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        own = (client.client_id if client else "", secret or "")
        if not created and not options["json"]:
            self.stdout.write("already registered, unchanged")
        self._print(api, names, chosen, own, created=created, as_json=options["json"])

    def _api(self, options: dict[str, Any], client: Client | None) -> Api:
        """Return the unsaved API. Raises CommandError if there is no client with this client_id."""
        if client is None and options["client"] is not None:
            client = find_client(options["client"])
        api = Api(
            identifier=options["identifier"],
            name=options["name"],
            max_token_lifetime=options["max_token_lifetime"],
            client=client,
            **{name: options[name] or None for name in SWITCHES},
        )
        api.algorithms = list(dict.fromkeys(options["algorithms"] or [rings.default_algorithm()]))
        return api

    def _client(
        self, chosen: recipe_options.Chosen | None, options: dict[str, Any]
    ) -> tuple[Client | None, str | None]:
        """Register the client with which the program introspects tokens, if the recipe has one. Return its secret."""
        if chosen is None or "client" in chosen.given or not options["client"]:
            return None, None
        own = next(step for step in chosen.recipe.steps if step.options.get("client_id") == options["client"])
        registration = Registration(
            name=own.options["name"],
            client_id=options["client"],
            method=own.options.get("method"),
            policy={"recipe": chosen.recipe.name},
        )
        if (equal := repeat.equal_client(registration)) is not None:
            return equal, None
        return register_client(registration, actor="command:create_api", now=store.database_now())

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
        """Print the API, the client with which it introspects, and the configuration of its program."""
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


def limit(text: str) -> tuple[str, str]:
    """Return a scope and a group. Raises ArgumentTypeError if one is missing."""
    name, _, group = text.partition("=")
    if not (name and group.strip()):
        raise ArgumentTypeError(f"{text!r} is not like reports:read=Accounting")
    return name, group.strip()


def scope(text: str) -> tuple[str, str]:
    """Return a scope and its description. Raises ArgumentTypeError if the description is missing."""
    name, equals, description = text.partition("=")
    if not (equals and description.strip()):
        raise ArgumentTypeError(f"{text!r} has no description for users: --scope {name or 'NAME'}=DESCRIPTION")
    return name, description.strip()
