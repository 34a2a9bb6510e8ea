"""`after_restore`: after a backup was restored, apply again the revocations that the backup lacks.

1. Read the events from AUDIT_JOURNAL and from the audit logs that --from names.
2. Print the result of a dry run, and ask for confirmation, unless --yes is given.
3. Apply the events that the database lacks, and log all users out.
4. Warn if the newest event that Redis recorded is in neither the database, the journal nor the logs. Also warn if the
   high-water marks in Redis were not deleted (tokens/revoking/high_water.py).
"""

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
from tokens.management.arguments import confirm, file_path, operation
from tokens.management.exit_codes import EXIT_CODES, UNSAFE, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.revoking import after_restore
from tokens.revoking.after_restore import Restored

ACTOR = "command:after_restore"
LINES = {
    "keys": "signing keys revoked again",
    "secrets": "client secrets revoked or expired again",
    "users": "users disabled again",
    "clients": "clients disabled again",
    "initial_tokens": "initial access tokens revoked (create new ones)",
    "passwords": "users whose former password is valid again (set a new one)",
}

UNREAD = (
    "Redis remembers an event of {at} that neither AUDIT_JOURNAL nor --from has: revocations can be missing. Pass every"
    " audit log since the backup with --from"
)
NOT_RESET = (
    "Redis did not forget the newer database and still reports this one as older: run after_restore again when Redis"
    " answers"
)


class Command(OperatorCommand):
    """Prints a dry run, asks the operator, and applies the revocations that a restored backup lacks."""

    help = "After a backup was restored: apply again the revocations since the backup, and log all users out."
    notes = f"""
Run it while the issuer is stopped. It reads AUDIT_JOURNAL and the audit logs that --from names (JSON lines of the
logger tokens.audit.trail). Without either, it cannot know which keys and secrets were revoked since the backup.
  after_restore --from /var/log/issuer.log --dry-run
  after_restore --from /var/log/issuer.log --yes
{EXIT_CODES}"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument(
            "--from", action="append", default=[], type=file_path, dest="logs", metavar="FILE",
            help="an audit log since the backup; can be repeated",
        )  # fmt: skip
        parser.add_argument("--dry-run", action="store_true", help="print what would be done, and change nothing")
        parser.add_argument(
            "--yes",
            action="store_true",
            help="do not ask for confirmation; required if standard input is not a terminal",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object; needs --yes or --dry-run")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print a dry run, ask the operator, apply the revocations, and print the result."""
        if options["json"] and not (options["yes"] or options["dry_run"]):
            raise CommandError("--json cannot ask for confirmation: add --yes or --dry-run", returncode=USAGE)
        events = [event for path in options["logs"] for event in read(path)]
        if not events and conf.issuer().audit_journal is None:
            self.stderr.write(
                "neither AUDIT_JOURNAL nor --from is set: keys and secrets revoked since the backup stay valid"
            )
        if not options["yes"]:
            self._report(apply(events, dry_run=True), options, dry_run=True)
        if options["dry_run"]:
            return
        if not options["yes"] and not confirm("Apply, and log all users out? Type yes: "):
            raise CommandError("nothing was changed", returncode=UNSAFE)
        self._report(apply(events), options)

    def _report(self, restored: Restored, options: dict[str, Any], *, dry_run: bool = False) -> None:
        """Print the result on stdout, and warnings on stderr."""
        self.stdout.write(text(restored, options, dry_run=dry_run))
        if restored.unread:
            self.stderr.write(UNREAD.format(at=restored.unread))
        if not restored.marks_reset:
            self.stderr.write(NOT_RESET)


def read(path: Path) -> list[Entry]:
    """Return the events of an audit log. Raises CommandError if the file cannot be read or has no event."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            events = list(journal.parse(lines))
    except OSError as error:
        raise CommandError(f"--from: {path}: {error.strerror}", returncode=USAGE) from error
    if not events:
        raise CommandError(f"--from: {path} has no line of the audit log", returncode=USAGE)
    return events


def apply(events: list[Entry], *, dry_run: bool = False) -> Restored:
    """Apply `events` and the events of the journal. Raises CommandError if the journal cannot be read."""
    try:
        return after_restore.apply(operation(ACTOR, now=timezone.now()), events, dry_run=dry_run)
    except OSError as error:
        raise CommandError(f"AUDIT_JOURNAL cannot be read: {error}", returncode=USAGE) from error


def text(restored: Restored, options: dict[str, Any], *, dry_run: bool = False) -> str:
    """Return what the run revoked, or would revoke in a dry run, as JSON or as text."""
    if options["json"]:
        return json.dumps(asdict(restored) | {"dry_run": dry_run})
    lines = ["dry run, nothing was changed:"] if dry_run else []
    lines += [restored.older] if restored.older else []
    lines += [f"events missing in the database: {restored.records}"]
    lines += [f"{label}: {', '.join(getattr(restored, name)) or 'none'}" for name, label in LINES.items()]
    counts = f"{restored.sessions} sessions, {restored.grants} grants, {restored.consents} consents"
    return "\n".join([*lines, f"revoked: {counts}, and every access token issued so far"])
