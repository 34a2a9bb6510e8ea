"""`initial_token`: create, revoke and list the tokens that permit dynamic client registration."""

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from tokens.keys import store
from tokens.management.arguments import duration, one_line
from tokens.management.exit_codes import COMMON_CODES, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.models import InitialAccessToken
from tokens.open_clients import initial_token

ACTOR = "command:initial_token"
NOTES = """
With DYNAMIC_REGISTRATION=token, a program registers a client if it sends such a token as a bearer token
(docs/open-clients.md). The token is printed once and stored as a hash.
  initial_token create --note "Ada's notebooks" --registrations 5 --expires-in 7d
  initial_token list
  initial_token revoke --id 3
Revoking a token keeps the clients that it registered. To block one, run access disable --client CLIENT_ID.
"""
USELESS = "Warning: this issuer uses no initial access token until it has DYNAMIC_REGISTRATION=token."


class Command(OperatorCommand):
    """Creates, revokes or lists initial access tokens."""

    help = "Create, revoke or list initial access tokens, which permit dynamic client registration (RFC 7591)."
    notes = NOTES + COMMON_CODES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the actions `create`, `revoke` and `list`, with their options, to `parser`."""
        actions = parser.add_subparsers(dest="what", required=True, metavar="create | revoke | list")
        create = actions.add_parser("create", help="create a token and print it")
        create.add_argument("--note", required=True, help="who gets it, and for what; shown in lists")
        create.add_argument("--registrations", type=int, default=1, help="how many clients it may register; default: 1")
        create.add_argument(
            "--expires-in", type=duration, default="1d", metavar="DURATION", help="such as 12h or 7d; default: 1d"
        )
        revoke = actions.add_parser("revoke", help="revoke a token; clients that it registered stay")
        revoke.add_argument("--id", type=int, required=True, help="the id in the list")
        show = actions.add_parser("list", help="list the tokens, without the tokens themselves")
        for action in (create, revoke, show):
            action.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the action that the operator named, such as `create`, and print its result."""
        run = {"create": create, "revoke": revoke, "list": show}[options["what"]]
        try:
            result = run(options, store.database_now())
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        if options["what"] == "create" and initial_token.is_useless():
            self.stderr.write(USELESS)
        self.stdout.write(json.dumps(result, cls=DjangoJSONEncoder) if options["json"] else text(result))


def create(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Create an initial access token. Returns its id, the token itself and its expiry time.

    Raises ValidationError if an option is out of bounds.
    """
    token = InitialAccessToken(
        note=options["note"], registrations_left=options["registrations"], expires_at=now + options["expires_in"]
    )
    value = initial_token.create(token, actor=ACTOR, now=now)
    return {"id": token.pk, "token": value, "expires_at": token.expires_at}


def revoke(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Revoke the initial access token with the id in the options, and return its properties.

    Raises CommandError if there is no such token.
    """
    token = InitialAccessToken.objects.filter(pk=options["id"]).first()
    if token is None:
        raise CommandError(f"there is no initial access token {options['id']}", returncode=USAGE)
    initial_token.revoke(token, actor=ACTOR, now=now)
    token.refresh_from_db()
    return {"tokens": [properties(token, now=now)]}


def show(_options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the properties of all initial access tokens."""
    return {"tokens": [properties(token, now=now) for token in InitialAccessToken.objects.all()]}


def properties(token: InitialAccessToken, *, now: datetime) -> dict[str, Any]:
    """Return the properties of a token, without the token itself."""
    names = ("id", "note", "hint", "created_at", "expires_at", "registrations_left", "revoked_at")
    return {name: getattr(token, name) for name in names} | {
        "live": token.is_live(now=now),
        "clients": token.clients.count(),
    }


def text(result: dict[str, Any]) -> str:
    """Return the result of an action as text."""
    if "token" in result:
        return f"token    {result['token']}\nexpires  {result['expires_at']:%Y-%m-%d %H:%M:%S %Z}"
    lines = [
        f"id {token['id']}  …{token['hint']}  {'live' if token['live'] else 'ended'}"
        f"  {token['registrations_left']} left"
        f"  {token['clients']} clients  expires {token['expires_at']:%Y-%m-%d %H:%M}  {token['note']}"
        for token in result["tokens"]
    ]
    return "\n".join(lines) or "there is no initial access token"
