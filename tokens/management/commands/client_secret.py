"""`client_secret`: give a client a further secret, end one, and see which there are, from a script."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from tokens.keys import store
from tokens.management.arguments import UNSAFE, USAGE, OperatorCommand, exit_codes, find_client, instant
from tokens.models import ClientSecret
from tokens.registration import secret_rotation
from tokens.registration.secret_rotation import SecretEnded, SecretNotUsed

ACTOR = "command:client_secret"
NOTES = """
To replace a secret without downtime: add one, give it to the client, see in the list that it is used, revoke the other:
  client_secret add webapp
  client_secret list webapp
  client_secret revoke webapp --hint …4kQz
The hint is the end of the secret, as the list shows it; --id names one of two that end alike.

exit codes:
  0  done
  2  the command was used wrongly, or names a client or secret that is not there
  3  refused: the secret has ended, or the client has no use for one
  4  another transaction held the registry for 2 s
  5  KEY_ENCRYPTION_KEYS cannot be read
"""


class Command(OperatorCommand):
    """Parses, calls one function, prints."""

    help = "Make a client a further secret (shown once, kept as a hash), let one expire, revoke one, or list them."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the four things it does, and their options."""
        what = parser.add_subparsers(dest="what", required=True, metavar="add | expire | revoke | list")
        add = what.add_parser("add", help="make a further secret and print it; the others stay as they are")
        add.add_argument("--expires", type=instant, metavar="TIME", help="when it ends (2027-01-31T12:00Z)")
        expire = what.add_parser("expire", help="let a live secret end at an instant to come")
        expire.add_argument("--at", type=instant, metavar="TIME", required=True, help="2027-01-31T12:00Z")
        revoke = what.add_parser("revoke", help="end a live secret now")
        show = what.add_parser("list", help="print the secrets of a client, or of all: never what they are")
        show.add_argument("client_id", nargs="?")
        for one in (add, expire, revoke):
            one.add_argument("client_id")
        for one in (expire, revoke):
            which = one.add_mutually_exclusive_group(required=True)
            which.add_argument("--hint", help="the last characters of the secret")
            which.add_argument("--id", type=int, help="its id in the list")
        for one in (add, expire, revoke, show):
            one.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what was asked for, and print it."""
        what = {"add": add, "expire": expire, "revoke": revoke, "list": show}[options["what"]]
        try:
            with exit_codes():
                told = what(options, store.database_now())
        except (SecretNotUsed, SecretEnded) as error:
            raise CommandError(str(error), returncode=UNSAFE) from error
        self.stdout.write(json.dumps(told, cls=DjangoJSONEncoder) if options["json"] else said(told))


def add(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A further secret, which is told this once. Raises NoUse, and Ended for an end that has passed."""
    client, expires_at = find_client(options["client_id"]), options["expires"]
    secret = secret_rotation.add(client, actor=ACTOR, now=now, expires_at=expires_at)
    return {"client_id": client.client_id, "client_secret": secret, "expires_at": expires_at}


def expire(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The secret with its new end. Raises Ended."""
    secret = find_secret(options)
    secret_rotation.expire(secret, options["at"], actor=ACTOR, now=now)
    return listed([secret], now=now)


def revoke(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The secret that has ended. Raises Ended for one that had."""
    secret = find_secret(options)
    secret_rotation.revoke(secret, actor=ACTOR, now=now)
    return listed([secret], now=now)


def show(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The secrets of one client, or of all."""
    kept = ClientSecret.objects.select_related("client").order_by("client__client_id", "created_at")
    return listed(kept.filter(client=find_client(options["client_id"])) if options["client_id"] else kept, now=now)


def find_secret(options: dict[str, Any]) -> ClientSecret:
    """The one secret that is meant."""
    client = find_client(options["client_id"])
    hint, number = options["hint"], options["id"]
    found = client.secrets.filter(hint=hint.removeprefix("…")) if hint else client.secrets.filter(pk=number)
    if len(found) != 1:
        problem = f"has {len(found)} secrets that end like that: name one by --id" if found else "has no such secret"
        raise CommandError(f"{client.client_id} {problem}", returncode=USAGE)
    return found[0]


def listed(kept: Iterable[ClientSecret], *, now: datetime) -> dict[str, Any]:
    """What may be told of secrets."""
    names = ("hint", "created_at", "expires_at", "revoked_at", "last_used_on", "encryption_key_id")
    told = [
        {"client_id": one.client.client_id, "id": one.pk, "live": one.is_live(now=now)}
        | {name: getattr(one, name) for name in names}
        for one in kept
    ]
    return {"secrets": told}


def said(told: dict[str, Any]) -> str:
    """The same in lines for people."""
    if "secrets" not in told:
        expires = f"{told['expires_at']:%Y-%m-%d %H:%M:%S %Z}" if told["expires_at"] else "never"
        lines = [f"client_id      {told['client_id']}", f"client_secret  {told['client_secret']}"]
        return "\n".join([*lines, f"expires        {expires}"])
    lines = [line(one) for one in told["secrets"]]
    return "\n".join(lines) or "there is no secret"


def line(one: dict[str, Any]) -> str:
    """A secret in one line: which it is, whether it lives, when it was made, used and ends."""
    used = f"last used {one['last_used_on']}" if one["last_used_on"] else "never used"
    ends = one["revoked_at"] or one["expires_at"]
    word = "revoked" if one["revoked_at"] else "expires" if one["live"] else "expired"
    end = f"{word} {ends:%Y-%m-%d %H:%M:%S}" if ends else "no end"
    made = f"made {one['created_at']:%Y-%m-%d}"
    return f"{one['client_id']}  id {one['id']}  …{one['hint']}  {made}  {used}  {end}  key {one['encryption_key_id']}"
