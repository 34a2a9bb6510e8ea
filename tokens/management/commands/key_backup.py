"""`key_backup`: save signing keys and the keys that encrypt them in a file, and restore the signing keys from the file.

A passphrase encrypts the file.
"""

import getpass
import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from tokens import conf
from tokens.handover import key_backup
from tokens.handover.key_backup import CannotRestore
from tokens.keys import store
from tokens.management import private_file
from tokens.management.arguments import file_path
from tokens.management.exit_codes import UNSAFE, USAGE
from tokens.management.operator_command import OperatorCommand

ACTOR = "command:key_backup"
NOTES = """
  key_backup save keys.backup --passphrase-file passphrase.txt
into a new database, after the old one is lost:
  key_backup open keys.backup --passphrase-file passphrase.txt --to encryption-keys.txt
  export KEY_ENCRYPTION_KEYS=$(cat encryption-keys.txt)
  migrate
  key_backup restore keys.backup --passphrase-file passphrase.txt

The passphrase has 16 characters or more: generate it, and keep it apart from the file. Save again after each rotation.
Keys that were revoked since the backup come back: run after_restore, or revoke_key (docs/restore.md).

exit codes:
  0  done
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or a file cannot be read or written
  3  the passphrase is wrong, the file was changed, or the database has keys already
  4  another process held a lock, or the database interrupted the command or was busy: run it again
  5  a private key does not decrypt: set KEY_ENCRYPTION_KEYS to what `open` writes
"""


class Command(OperatorCommand):
    """Saves, opens or restores a backup of the signing keys."""

    help = "Save the signing keys with their encrypting keys in a file that a passphrase seals, and restore them."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the actions `save`, `open` and `restore`, with their options, to `parser`."""
        actions = parser.add_subparsers(dest="what", required=True, metavar="save | open | restore")
        save = actions.add_parser("save", help="write a new file with the keys (mode 0600)")
        unseal = actions.add_parser("open", help="write the value of KEY_ENCRYPTION_KEYS to a new file (mode 0600)")
        restore = actions.add_parser("restore", help="insert the keys into a database that has none")
        unseal.add_argument("--to", type=file_path, required=True, metavar="FILE", help="a new file")
        for action in (save, unseal, restore):
            action.add_argument("file", type=file_path, metavar="FILE", help="the backup")
            action.add_argument(
                "--passphrase-file", type=file_path, metavar="FILE", help="its first line; without it, you are asked"
            )
            action.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the action that the operator named, such as `save`, and print its result."""
        run = {"save": save, "open": unseal, "restore": restore}[options["what"]]
        try:
            result = run(options)
        except CannotRestore as error:
            raise CommandError(str(error), returncode=UNSAFE) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}", returncode=USAGE) from error
        text = "\n".join(f"{name}  {value}" for name, value in result.items())
        self.stdout.write(json.dumps(result) if options["json"] else text)


def save(options: dict[str, Any]) -> dict[str, Any]:
    """Write a backup to a new file, and read the file to verify the backup.

    Returns the file's name and the number of saved rows (key rings and signing keys). Raises OSError if the file exists
    or cannot be written.
    """
    secret = passphrase(options)
    write(options["file"], key_backup.save(conf.issuer().key_encryption_keys, secret))
    backup = key_backup.read(options["file"].read_bytes(), secret)
    return {"saved": str(options["file"]), "rows": len(backup.rows)}


def unseal(options: dict[str, Any]) -> dict[str, Any]:
    """Write the encrypting keys of a backup to a new file. Returns the file's name and the number of keys.

    Raises CannotRestore if the passphrase is wrong or the backup is damaged, and OSError if the new file exists.
    """
    backup = key_backup.read(options["file"].read_bytes(), passphrase(options))
    write(options["to"], ",".join(backup.encryption_keys).encode() + b"\n")
    return {"written": str(options["to"]), "values": len(backup.encryption_keys)}


def restore(options: dict[str, Any]) -> dict[str, Any]:
    """Insert the signing keys of a backup into the database. Returns their kids.

    Raises CannotRestore if the backup cannot be opened or the database already has signing keys, and CannotOpen if the
    encrypting keys of this process do not decrypt the signing keys.
    """
    backup = key_backup.read(options["file"].read_bytes(), passphrase(options))
    keys = conf.issuer().encryption_keys()
    return {"restored": key_backup.restore(backup, keys, actor=ACTOR, now=store.database_now())}


def passphrase(options: dict[str, Any]) -> str:
    """Return the passphrase: the first line of the file that --passphrase-file names, or else a line from the terminal.

    Raises CommandError if the passphrase is too short, or if the option is absent and there is no terminal.
    """
    if options["passphrase_file"] is not None:
        text: str = options["passphrase_file"].read_text(encoding="utf-8").partition("\n")[0].strip()
    elif sys.stdin.isatty():
        text = getpass.getpass("Passphrase: ")
    else:
        raise CommandError("standard input is not a terminal: add --passphrase-file", returncode=USAGE)
    if len(text) < key_backup.SHORTEST_PASSPHRASE:
        message = f"the passphrase needs {key_backup.SHORTEST_PASSPHRASE} characters or more: generate it"
        raise CommandError(message, returncode=USAGE)
    return text


def write(path: Path, content: bytes) -> None:
    """Write a new file that only the user of this process can read.

    Raises OSError if the file exists or cannot be written.
    """
    with os.fdopen(private_file.create(path), "wb") as file:
        file.write(content)
