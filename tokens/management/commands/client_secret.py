"""`client_secret`: add a secret to a client, let a secret expire, revoke a secret, or list secrets."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from tokens.keys import store
from tokens.management.arguments import find_client, instant
from tokens.management.exit_codes import UNSAFE, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.models import ClientSecret
from tokens.registration import secret_rotation
from tokens.registration.secret_rotation import SecretEnded, SecretNotUsed

ACTOR = "command:client_secret"
NOTES = """
To replace a secret without downtime, add a new secret, configure it in the client, wait until the list shows that it is
used, and revoke the old secret:
  client_secret add webapp
  client_secret list webapp
  client_secret revoke webapp --hint …4kQz
The hint is the end of the secret, as in the list. If two secrets end alike, use --id.

exit codes:
  0  done
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or there is no such client or secret
  3  refused: the secret has ended, or the client does not use secrets
  4  another process held a lock, or the database interrupted the command or was busy: run it again
  5  KEY_ENCRYPTION_KEYS is malformed
"""


class Command(OperatorCommand):
    """Adds a secret to a client, changes the expiry of a secret, revokes a secret, or lists secrets."""

    help = "Add a secret to a client (printed once, stored as a hash), let a secret expire, revoke it, or list secrets."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the actions `add`, `expire`, `revoke` and `list`, with their options, to `parser`."""
        actions = parser.add_subparsers(dest="what", required=True, metavar="add | expire | revoke | list")
        add = actions.add_parser("add", help="add a secret and print it; other secrets stay valid")
        add.add_argument(
            "--expires",
            type=instant,
            metavar="TIME",
            help="when the secret expires (2027-01-31T12:00Z); never by default",
        )
        expire = actions.add_parser("expire", help="let a live secret expire at a future time")
        expire.add_argument("--at", type=instant, metavar="TIME", required=True, help="2027-01-31T12:00Z")
        revoke = actions.add_parser("revoke", help="revoke a live secret now")
        show = actions.add_parser(
            "list", help="list the secrets of one client or of all clients, without the secrets themselves"
        )
        show.add_argument("client_id", nargs="?")
        for action in (add, expire, revoke):
            action.add_argument("client_id")
        for action in (expire, revoke):
            which = action.add_mutually_exclusive_group(required=True)
            which.add_argument("--hint", help="the last characters of the secret")
            which.add_argument("--id", type=int, help="the id in the list")
        for action in (add, expire, revoke, show):
            action.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the action that the operator named, such as `expire`, and print its result."""
        run = {"add": add, "expire": expire, "revoke": revoke, "list": show}[options["what"]]
        try:
            result = run(options, store.database_now())
        except (SecretNotUsed, SecretEnded) as error:
            raise CommandError(str(error), returncode=UNSAFE) from error
        self.stdout.write(json.dumps(result, cls=DjangoJSONEncoder) if options["json"] else text(result))


def add(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Add a secret to the client that the options name, and return the client_id, the secret and its expiry time.

    Raises SecretNotUsed if the client does not authenticate by a secret, and SecretEnded if the expiry time has passed.
    """
    client, expires_at = find_client(options["client_id"]), options["expires"]
    secret = secret_rotation.add(client, actor=ACTOR, now=now, expires_at=expires_at)
    return {"client_id": client.client_id, "client_secret": secret, "expires_at": expires_at}


def expire(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Change the expiry time of a secret and return its properties.

    Raises SecretEnded if the secret was revoked or has expired, or if the new expiry time has passed.
    """
    secret = find_secret(options)
    secret_rotation.expire(secret, options["at"], actor=ACTOR, now=now)
    return listed([secret], now=now)


def revoke(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Revoke a secret and return its properties. Raises SecretEnded if the secret was revoked or has expired."""
    secret = find_secret(options)
    secret_rotation.revoke(secret, actor=ACTOR, now=now)
    return listed([secret], now=now)


def show(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the properties of the secrets of the client that the options name, or of all clients."""
    stored = ClientSecret.objects.select_related("client").order_by("client__client_id", "created_at")
    return listed(stored.filter(client=find_client(options["client_id"])) if options["client_id"] else stored, now=now)


def find_secret(options: dict[str, Any]) -> ClientSecret:
    """Return the secret that --hint or --id names. Raises CommandError unless exactly one secret matches."""
    client = find_client(options["client_id"])
    hint, number = options["hint"], options["id"]
    matches = client.secrets.filter(hint=hint.removeprefix("…")) if hint else client.secrets.filter(pk=number)
    if len(matches) != 1:
        problem = f"has {len(matches)} secrets with this hint: use --id" if matches else "has no such secret"
        raise CommandError(f"{client.client_id} {problem}", returncode=USAGE)
    return matches[0]


def listed(secrets: Iterable[ClientSecret], *, now: datetime) -> dict[str, Any]:
    """Return a dictionary whose entry "secrets" lists the properties of each secret, such as hint and dates.

    The result does not contain the secrets themselves.
    """
    names = ("hint", "created_at", "expires_at", "revoked_at", "last_used_on", "encryption_key_id")
    properties = [
        {"client_id": secret.client.client_id, "id": secret.pk, "live": secret.is_live(now=now)}
        | {name: getattr(secret, name) for name in names}
        for secret in secrets
    ]
    return {"secrets": properties}


def text(result: dict[str, Any]) -> str:
    """Return the result of an action as text."""
    if "secrets" not in result:
        expires = f"{result['expires_at']:%Y-%m-%d %H:%M:%S %Z}" if result["expires_at"] else "never"
        lines = [f"client_id      {result['client_id']}", f"client_secret  {result['client_secret']}"]
        return "\n".join([*lines, f"expires        {expires}"])
    lines = [line(secret) for secret in result["secrets"]]
    return "\n".join(lines) or "there is no secret"


def line(secret: dict[str, Any]) -> str:
    """Return a secret as one line: client, id, hint, dates and the id of the encrypting key."""
    used = f"last used {secret['last_used_on']}" if secret["last_used_on"] else "never used"
    ends = secret["revoked_at"] or secret["expires_at"]
    verb = "revoked" if secret["revoked_at"] else "expires" if secret["live"] else "expired"
    end = f"{verb} {ends:%Y-%m-%d %H:%M:%S}" if ends else "never expires"
    dates = f"created {secret['created_at']:%Y-%m-%d}  {used}  {end}"
    return f"{secret['client_id']}  id {secret['id']}  …{secret['hint']}  {dates}  key {secret['encryption_key_id']}"
