"""`revoke_tokens`: revoke every token of the issuer, a client, a user, a grant, or one token."""

import json
import re
import sys
from argparse import ArgumentParser
from typing import Any, TypeVar
from uuid import UUID

from django.core.management.base import CommandError
from django.db.models import Q

from tokens.management.arguments import UNSAFE, USAGE, OperatorCommand
from tokens.models import Client, User, UserGrant
from tokens.revoking import bulk
from tokens.revoking.bulk import BulkTarget

Named = TypeVar("Named", Client, User, UserGrant)
ACTOR = "command:revoke_tokens"
JTI = re.compile(r"[A-Za-z0-9_-]{1,255}")
WHERE = {
    "user": "give the username, e-mail address or sub as the admin shows it",
    "client": "give the client_id as the admin shows it",
    "grant": "give the grant_id of a token, as inspect_token shows it",
}
"""Where to look for a name."""
NOTES = """
  revoke_tokens --user ada --dry-run              count what would be revoked
  revoke_tokens --user ada                        the user is logged out everywhere, and logs in again
  revoke_tokens --client webapp                   every token that the client has; it stays registered
  revoke_tokens --client webapp --user ada        what this client has in the name of this user
  revoke_tokens --all --reason "breach" --yes     all users are logged out: one entry in the revocation feed

User grants are revoked as well, with their refresh tokens. APIs that follow the revocation feed refuse the access
tokens from their next poll on; other APIs accept them until they expire. A stolen signing key needs revoke_key.

exit codes:
  0  done, or shown (--dry-run)
  2  the command was used wrongly, or names a user, client or grant that is not there
  3  not confirmed
"""


class Command(OperatorCommand):
    """Parses, asks, calls `tokens.revoking.bulk`, prints."""

    help = "Revoke access tokens, with the user grants and refresh tokens behind them."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--all", action="store_true", help="everything issued so far")
        parser.add_argument("--user", metavar="NAME", help="username, e-mail address or sub")
        parser.add_argument("--client", metavar="ID", help="client_id; together with --user: of this user only")
        parser.add_argument("--grant", metavar="UUID", help="one user grant, by the grant_id in its tokens")
        parser.add_argument("--jti", metavar="ID", help="one access token, by its jti")
        parser.add_argument("--reason", default="revoked by command", help="kept in the audit trail and with grants")
        parser.add_argument("--dry-run", action="store_true", help="count what would be revoked, and revoke nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask; needed if standard input is not a terminal")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Find the target, print it, ask, revoke."""
        target = find(options)
        counts = bulk.preview(target)
        if not options["dry_run"]:
            self._confirm(target, counts, options)
            counts = bulk.revoke(target, reason=options["reason"], actor=ACTOR)
        user = {"user": target.user.get_username()} if target.user and target.client else {}
        told = {"dry_run": options["dry_run"], "target": target.subject, **user, **counts}
        self.stdout.write(json.dumps(told) if options["json"] else f"{_verb(options)} {_said(target, counts)}")

    def _confirm(self, target: BulkTarget, counts: dict[str, int], options: dict[str, Any]) -> None:
        """Ask on a terminal. Raises CommandError unless the answer is yes."""
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise CommandError("standard input is not a terminal: add --yes", returncode=USAGE)
        self.stderr.write(f"About to revoke {_said(target, counts)}")
        if input("Type yes to go on: ").strip() != "yes":
            raise CommandError("not confirmed, nothing was revoked", returncode=UNSAFE)


def find(options: dict[str, Any]) -> BulkTarget:
    """Return the target that the options name. Raises CommandError for none, two, or one that does not exist."""
    given = {name for name in ("all", "user", "client", "grant", "jti") if options[name]}
    if len(given) != 1 and given != {"user", "client"}:
        message = "name one of --all, --user, --client, --grant and --jti; --user and --client may stand together"
        raise CommandError(message, returncode=USAGE)
    return BulkTarget(
        everything=options["all"],
        user=_user(options["user"]) if options["user"] else None,
        client=_one(Client, Q(client_id=options["client"]), "client", options["client"]) if options["client"] else None,
        grant=_grant(options["grant"]) if options["grant"] else None,
        token_id=_token_id(options["jti"]) if options["jti"] else "",
    )


def _user(name: str) -> User:
    by_name = Q(username=name)
    if User.objects.filter(by_name).exists():
        return _one(User, by_name, "user", name)
    return _one(User, Q(sub=sub) if (sub := _uuid(name)) else Q(email__iexact=name), "user", name)


def _grant(text: str) -> UserGrant:
    return _one(UserGrant, Q(pk=_uuid(text)), "grant", text)


def _token_id(text: str) -> str:
    """Return `text` if it can be a jti. Raises CommandError, which does not repeat it: it may be a whole token."""
    if not JTI.fullmatch(text):
        raise CommandError("--jti: that is no jti. inspect_token shows the one of a token", returncode=USAGE)
    return text


def _one(model: type[Named], which: Q, noun: str, name: str) -> Named:
    found = list(model._default_manager.filter(which)[:2])  # noqa: SLF001 (Django's documented name)
    if not found:
        raise CommandError(f"--{noun}: there is no {noun} {name!r}; {WHERE[noun]}", returncode=USAGE)
    if len(found) > 1:
        raise CommandError(f"--{noun}: several match {name!r}; name it by its sub", returncode=USAGE)
    return found[0]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _verb(options: dict[str, Any]) -> str:
    return "would revoke" if options["dry_run"] else "revoked"


def _said(target: BulkTarget, counts: dict[str, int]) -> str:
    whose = f" for user:{target.user.get_username()}" if target.user and target.client else ""
    return (
        f"the tokens of {target.subject}{whose}: {counts['grants']} user grants,"
        f" {counts['users']} users logged out everywhere"
    )
