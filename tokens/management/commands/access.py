"""`access`: disable or enable a user or a client, or log a user out everywhere."""

import json
import uuid
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError

from tokens.keys import store
from tokens.management.arguments import find_client, find_user
from tokens.management.exit_codes import USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.models import Client, User
from tokens.revoking import access

ACTOR = "command:access"


class Command(OperatorCommand):
    """Disables or enables a user or a client, or logs a user out everywhere."""

    help = "Disable or enable a user or client, or log a user out everywhere. The command is idempotent."
    notes = """
  access disable --user ada --reason "left the company"
  access enable --client webapp
  access log_out --sub 30fe1343-9844-4bf3-9ed4-ba7766042af5 --reason "laptop lost"
Disabling revokes sessions, grants and tokens at once. Enabling does not restore them.

exit codes:
  0  done, or nothing had to change (see "changed" in --json)
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or there is no such user or client
  3  refused because of what the database contains
  4  another process held a lock, or the database interrupted the command or was busy: run it again
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments and options of this command to `parser`."""
        parser.add_argument("what", choices=["disable", "enable", "log_out"])
        account = parser.add_mutually_exclusive_group(required=True)
        account.add_argument("--user", metavar="NAME", help="username, e-mail address or sub")
        account.add_argument("--sub", type=identifier, metavar="UUID", help="the user's sub, as in tokens")
        account.add_argument("--client", metavar="CLIENT_ID", help="the client_id")
        parser.add_argument("--reason", default="", help="stored in the audit trail")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Find the user or client, apply the action, print the result."""
        subject = find_subject(options)
        changed = act(subject, options)
        verb = {"log_out": "logged out everywhere", "disable": "disabled", "enable": "enabled"}[options["what"]]
        if options["json"]:
            result = {"subject": access.subject(subject), "done": options["what"], "changed": changed}
            self.stdout.write(json.dumps(result))
        else:
            self.stdout.write(f"{access.subject(subject)} {verb if changed else f'was already {verb}'}")


def act(subject: User | Client, options: dict[str, Any]) -> bool:
    """Log out, enable or disable the user or client. Returns False if nothing had to change.

    Raises CommandError if `subject` is a client and the action is to log out.
    """
    event: dict[str, Any] = {"reason": options["reason"].strip(), "actor": ACTOR, "now": store.database_now()}
    if options["what"] != "log_out":
        return access.set_active(subject, active=options["what"] == "enable", **event)
    if not isinstance(subject, User):
        raise CommandError("log_out needs a user: a client has no session", returncode=USAGE)
    access.log_out_everywhere(subject, **event)
    return True


def identifier(text: str) -> uuid.UUID:
    """Parse a `sub`. Raises ArgumentTypeError if it is not a UUID."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a sub: a sub is a UUID") from None


def find_subject(options: dict[str, Any]) -> User | Client:
    """Return the user or client that the options name. Raises CommandError if there is none."""
    if options["client"] is not None:
        return find_client(options["client"])
    if options["user"] is not None:
        return find_user(options["user"])
    user = User.objects.filter(sub=options["sub"]).first()  # not find_user, which would find a username first
    if user is None:
        raise CommandError(f"there is no user {options['sub']}", returncode=USAGE)
    return user
