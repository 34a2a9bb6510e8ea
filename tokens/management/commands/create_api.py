"""`create_api`: register an API and its scopes."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from tokens.jose.key_format import ALGORITHMS
from tokens.keys import rings
from tokens.management.arguments import find_client, one_line, seconds
from tokens.management.operator_command import USAGE, OperatorCommand, exit_codes
from tokens.models import Api
from tokens.registration.api import SWITCHES, register, scope_rows


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
  an API whose reports are for accountants only (the group must exist):
    create_api --identifier https://reports.example/ --name Reports \\
               --scope reports:read="See the reports" --limit-scope reports:read=Accounting

the identifier:
  Best the API's base URL with the slash at its end: some resource servers (django-oauth-toolkit) compare it with the
  URL of a request. A URN for software without a URL. It is the aud of the tokens, exactly as it is registered; clients
  may leave out the slash of an empty path (https://orders.example), but no other.

To sign tokens for this API with a ring of its own, run rotate_keys --ring RING --move IDENTIFIER. Other properties can
be changed in the admin.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("--identifier", required=True, metavar="URI", help="the aud of the API's tokens; see below")
        parser.add_argument("--name", required=True, help="shown to users on the consent page")
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
        """Register the API, and print its identifier and scopes."""
        names = [name for name, _ in options["scopes"]]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise CommandError(f"--scope: {', '.join(sorted(repeated))} is given twice", returncode=USAGE)
        api = Api(
            identifier=options["identifier"],
            name=options["name"],
            max_token_lifetime=options["max_token_lifetime"],
            client=find_client(options["client"]) if options["client"] is not None else None,
            **{name: options[name] or None for name in SWITCHES},
        )
        api.algorithms = list(dict.fromkeys(options["algorithms"] or [rings.default_algorithm()]))
        try:
            with exit_codes():
                scopes = scope_rows(dict(options["scopes"]), options["limits"])
                register(api, scopes, actor="command:create_api", now=timezone.now())
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        if options["json"]:
            self.stdout.write(json.dumps({"identifier": api.identifier, "scopes": names}))
            return
        self.stdout.write(f"identifier  {api.identifier}")
        self.stdout.write(f"scopes      {' '.join(names) or '(none)'}")


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
