"""`after_restore`: revoke again what was revoked since a restored backup was made."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from tokens import conf
from tokens.audit import journal
from tokens.audit.journal import Entry
from tokens.management.arguments import EXIT_CODES, UNSAFE, USAGE, OperatorCommand, exit_codes
from tokens.management.commands.revoke_key import asked
from tokens.revoking import after_restore
from tokens.revoking.after_restore import Restored

ACTOR = "command:after_restore"
LINES = {
    "keys": "signing keys revoked again",
    "secrets": "client secrets ended again",
    "users": "users disabled again",
    "clients": "clients disabled again",
    "passwords": "users whose former password is valid again (change it)",
}

UNREAD = (
    "Redis remembers an event of {at} that neither AUDIT_JOURNAL nor --from has: revocations can be missing. Name each"
    " audit log since the backup"
)
NOT_RESET = "Redis did not forget the newer database, and calls this one older: run after_restore again when it answers"


class Command(OperatorCommand):
    """Parses, asks, calls `restored.apply`, prints."""

    help = "After a backup was restored: revoke again what was revoked since it was made, and log all users out."
    notes = f"""
Run it while no process of the issuer serves. It reads AUDIT_JOURNAL, and the audit logs (JSON lines of the logger
tokens.audit.trail) that --from names. Without either it cannot know which keys and secrets were revoked.
  after_restore --from /var/log/issuer.log --dry-run
  after_restore --from /var/log/issuer.log --yes
{EXIT_CODES}"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--from", action="append", default=[], type=Path, dest="logs", metavar="FILE",
            help="an audit log of the time since the backup; may be repeated",
        )  # fmt: skip
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="print one JSON object; goes with --yes or --dry-run")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read the logs, print what will be done, ask, apply it."""
        if options["json"] and not (options["yes"] or options["dry_run"]):
            raise CommandError("--json does not ask: add --yes or --dry-run", returncode=USAGE)
        events = [event for path in options["logs"] for event in read(path)]
        if not events and conf.issuer().audit_journal is None:
            self.stderr.write("neither AUDIT_JOURNAL nor --from: keys and secrets that were revoked stay as restored")
        with exit_codes():
            if not options["yes"]:
                self._report(apply(events, pretend=True), options, pretended=True)
            if options["dry_run"]:
                return
            if not options["yes"] and asked("Apply, and log all users out? Type yes: ") != "yes":
                raise CommandError("nothing was changed", returncode=UNSAFE)
            self._report(apply(events), options)

    def _report(self, done: Restored, options: dict[str, Any], *, pretended: bool = False) -> None:
        """Print what was done, and warnings on stderr."""
        self.stdout.write(told(done, options, pretended=pretended))
        if done.unread:
            self.stderr.write(UNREAD.format(at=done.unread))
        if not done.marks_reset:
            self.stderr.write(NOT_RESET)


def read(path: Path) -> list[Entry]:
    """Return the events of an audit log. Raises CommandError if it cannot be read or holds none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            events = list(journal.parse(lines))
    except OSError as error:
        raise CommandError(f"--from: {path}: {error.strerror}", returncode=USAGE) from error
    if not events:
        raise CommandError(f"--from: {path} holds no line of the audit log", returncode=USAGE)
    return events


def apply(events: list[Entry], *, pretend: bool = False) -> Restored:
    """Apply the events. Raises CommandError if the journal cannot be read."""
    settings = conf.issuer()
    try:
        return after_restore.apply(
            events,
            policy=settings.key_policy,
            encryption_keys=settings.encryption_keys(),
            actor=ACTOR,
            now=timezone.now(),
            dry_run=pretend,
        )
    except OSError as error:
        raise CommandError(f"AUDIT_JOURNAL cannot be read: {error}", returncode=USAGE) from error


def told(done: Restored, options: dict[str, Any], *, pretended: bool = False) -> str:
    """Return the report of what was done, or would be."""
    if options["json"]:
        return json.dumps(asdict(done) | {"pretended": pretended})
    lines = ["dry run, nothing was changed:"] if pretended else []
    lines += [done.older] if done.older else []
    lines += [f"events that the database lacks: {done.records}"]
    lines += [f"{words}: {', '.join(getattr(done, name)) or 'none'}" for name, words in LINES.items()]
    counts = f"{done.sessions} sessions, {done.grants} grants, {done.consents} consents"
    return "\n".join([*lines, f"ended: {counts}, and every access token issued so far"])
