"""`apply`: bring APIs, scopes, clients and exchange policies to the state that a file describes."""

import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from tokens import conf
from tokens.keys import store
from tokens.management import private_file
from tokens.management.arguments import confirm, file_path
from tokens.management.exit_codes import UNSAFE, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.manifest import plan, schema
from tokens.manifest.plan import Applied, ApplyRequest
from tokens.manifest.run import NewSecret
from tokens.manifest.schema import Manifest
from tokens.manifest.tree import InvalidManifest

ACTOR = "command:apply"
NOTES = """
examples:
  what would change:
    apply keyturn.yaml --dry-run
  change it; the secrets of new clients go into a file that only this user can read:
    apply keyturn.yaml --secrets-to secrets.json
  also delete what the file does not name:
    apply keyturn.yaml --prune

The file is YAML or JSON (docs/configuration-as-code.md). manage.py export writes one. A field that it leaves out gets
its default. A second run changes nothing. The file contains no secret, and existing secrets stay as they are.

exit codes:
  0  done, or nothing had to change (see "changed" in --json)
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or the file is malformed or cannot be registered: nothing was changed
  3  not confirmed, or refused because of what the database contains
  4  another process held a lock, or the database interrupted the command or was busy: run it again
"""


class Command(OperatorCommand):
    """Applies a manifest file to the registry, and prints what changed."""

    help = "Make the registry what a file says: APIs, scopes, clients, exchange policies. The command is idempotent."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments and options of this command to `parser`."""
        parser.add_argument("file", metavar="FILE", help="YAML or JSON; - reads standard input")
        parser.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")
        parser.add_argument("--prune", action="store_true", help="delete what the file does not name; asks before")
        parser.add_argument(
            "--yes", action="store_true", help="with --prune: do not ask for confirmation; required without a terminal"
        )
        parser.add_argument(
            "--secrets-to", type=file_path, metavar="FILE",
            help="write the secrets of new clients to this new file (JSON, mode 0600) instead of printing them",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read and apply the file. Print the changes, and the secrets of new clients unless --secrets-to names a file.

        With --prune, first asks for confirmation, unless --yes or --dry-run is given.
        """
        if options["json"] and options["prune"] and not (options["yes"] or options["dry_run"]):
            raise CommandError("--json cannot ask for confirmation: add --yes or --dry-run", returncode=USAGE)
        try:
            manifest = schema.read(self._text(options["file"]), plan.SCHEMA)
            if options["prune"] and not (options["yes"] or options["dry_run"]):
                self._confirm(manifest)
            applied = self._apply(manifest, options)
        except InvalidManifest as error:
            lines = [problem.shown(options["file"]) for problem in error.problems]
            raise CommandError("\n".join([*lines, "nothing was changed"]), returncode=USAGE) from None
        self.stdout.write(json.dumps(as_dict(applied, options)) if options["json"] else text(applied, options))

    def _text(self, name: str) -> str:
        """Return the text of the manifest file `name`, or of standard input if `name` is "-".

        Raises CommandError if the file cannot be read.
        """
        try:
            raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            return raw.decode("utf-8-sig")
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}", returncode=USAGE) from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{name} is not UTF-8 text", returncode=USAGE) from error

    def _confirm(self, manifest: Manifest) -> None:
        """Print what would change. If there is a change, ask for confirmation.

        Raises CommandError if the answer is not yes.
        """
        pretended = plan.apply(request(manifest, {"prune": True, "dry_run": True}))
        self.stdout.write(text(pretended, {"dry_run": True}))
        if pretended.changes and not confirm("Apply? Type yes: "):
            raise CommandError("nothing was changed", returncode=UNSAFE)

    def _apply(self, manifest: Manifest, options: dict[str, Any]) -> Applied:
        """Apply the manifest. If --secrets-to names a file, write the secrets of new clients to it.

        Raises CommandError if the file exists or cannot be created. If there is no new secret, no file remains. A dry
        run writes no file.
        """
        path: Path | None = options["secrets_to"]
        if path is None or options["dry_run"]:
            return plan.apply(request(manifest, options))
        file = create(path)  # before anything is changed, because a secret that cannot be written would be lost
        written = False
        try:
            applied = plan.apply(request(manifest, options))
            written = bool(applied.secrets)
            with os.fdopen(file, "w", encoding="utf-8") as out:
                json.dump(by_client(applied.secrets), out, indent=2)
        finally:
            if not written:
                path.unlink()
        return applied


def request(manifest: Manifest, options: dict[str, Any]) -> ApplyRequest:
    """Return the argument for `plan.apply`: the manifest, the options of the command, and the database's clock."""
    return ApplyRequest(
        manifest=manifest,
        actor=ACTOR,
        now=store.database_now(),
        recipes=conf.issuer().recipes,
        prune=options["prune"],
        dry_run=options["dry_run"],
    )


def create(path: Path) -> int:
    """Create the file that --secrets-to names, and return its descriptor.

    Raises CommandError if the file exists or cannot be created.
    """
    try:
        return private_file.create(path)
    except OSError as error:
        raise CommandError(f"--secrets-to: {path}: {error.strerror}", returncode=USAGE) from error


def by_client(secrets: Any) -> dict[str, str]:
    """Return a mapping from the client_id of each new client to its secret.

    `secrets` are objects with a `client_id` and a `secret`.
    """
    return {new.client_id: new.secret for new in secrets}


def as_dict(applied: Applied, options: dict[str, Any]) -> dict[str, Any]:
    """Return the changes of a run for JSON, with the secrets of new clients unless --secrets-to names a file."""
    secrets: list[NewSecret] = [] if options["secrets_to"] else list(applied.secrets)
    return {
        "dry_run": options["dry_run"],
        "changed": bool(applied.changes),
        "changes": [change.as_dict() for change in applied.changes],
        "not_in_file": [{"kind": change.kind, "name": change.name} for change in applied.unlisted],
        "secrets": by_client(secrets),
    }


def text(applied: Applied, options: dict[str, Any]) -> str:
    """Return the changes of a run as text, with the secrets of new clients unless --secrets-to names a file."""
    lines = ["dry run, nothing was changed:"] if options["dry_run"] else []
    lines += [line for change in applied.changes for line in change.lines()] or ["nothing had to change"]
    lines += [f"not in the file: {change.kind} {change.name}" for change in applied.unlisted]
    if applied.secrets and options.get("secrets_to"):
        lines += [f"secrets of new clients: {options['secrets_to']}"]
    elif applied.secrets:
        lines += ["secrets of new clients, printed once:"]
        lines += [f"    {new.client_id}  {new.secret}" for new in applied.secrets]
    return "\n".join(lines)
