"""`revoke_user`: end every session, grant and token of a user at once. With --disable, also disable the user."""

import json
from argparse import ArgumentParser
from typing import Any

from tokens.keys import store
from tokens.management.arguments import find_user
from tokens.management.operator_command import OperatorCommand
from tokens.revoking import access

ACTOR = "command:revoke_user"


class Command(OperatorCommand):
    """Logs a user out everywhere. With --disable, also disables the user."""

    help = "End every session, grant and token of a user at once. With --disable, the user cannot log in again."
    notes = """
  revoke_user ada --reason "laptop lost"
  revoke_user ada@example.com --disable --reason "left the company" --json
The user is named by username, sub or e-mail address. The command is idempotent. To enable the user, run access enable.

exit codes:
  0  done
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or there is no such user
  3  refused because of what the database contains
  4  another process held a lock, or the database interrupted the command or was busy: run it again
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments and options of this command to `parser`."""
        parser.add_argument("user", help="username, sub or e-mail address")
        parser.add_argument("--disable", action="store_true", help="the user cannot log in until access enable")
        parser.add_argument("--reason", default="", help="stored in the audit trail")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """End all sessions, grants and tokens of the user, and print the result.

        With --disable, also disables the user.
        """
        user = find_user(options["user"])
        event: dict[str, Any] = {"reason": options["reason"].strip(), "actor": ACTOR, "now": store.database_now()}
        access.log_out_everywhere(user, **event)
        disabled = options["disable"] and access.set_active(user, active=False, **event)
        if options["json"]:
            self.stdout.write(json.dumps({"subject": access.subject(user), "disabled": disabled}))
            return
        also = " and disabled" if disabled else ", was already disabled" if options["disable"] else ""
        self.stdout.write(f"{access.subject(user)} logged out everywhere{also}")
