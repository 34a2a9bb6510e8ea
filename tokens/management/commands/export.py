"""`export`: write APIs, scopes, clients and exchange policies, without secrets, as a file that `apply` reads."""

import json
from argparse import ArgumentParser
from typing import Any

import yaml
from django.core.management.base import CommandError

from tokens.management.arguments import file_path
from tokens.management.exit_codes import COMMON_CODES, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.manifest import registry_export

NOTES = """
  export > keyturn.yaml          the registry as YAML
  export --json --to keyturn.json

Clients that registered themselves, users, secrets and signing keys are not in it. Applying the file changes nothing.
"""


class Command(OperatorCommand):
    """Writes the registry (APIs, scopes, clients and exchange policies) as a file."""

    help = "Write APIs, scopes, clients and exchange policies as a file that apply reads, without secrets."
    notes = NOTES + COMMON_CODES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument("--to", type=file_path, metavar="FILE", help="write this file instead of standard output")
        parser.add_argument("--json", action="store_true", help="write one JSON object instead of YAML")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the registry to the file that the operator named, or to standard output."""
        registry = registry_export.export()
        text = as_json(registry) if options["json"] else as_yaml(registry)
        if options["to"] is None:
            self.stdout.write(text.rstrip("\n"))
            return
        try:
            options["to"].write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"--to: {options['to']}: {error.strerror}", returncode=USAGE) from error


def as_json(registry: dict[str, Any]) -> str:
    """Return the exported registry as JSON."""
    return json.dumps(registry, indent=2) + "\n"


def as_yaml(registry: dict[str, Any]) -> str:
    """Return the exported registry as YAML."""
    return yaml.dump(registry, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """A YAML dumper that writes a repeated value in full, and not as a YAML alias. `apply` refuses aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (PyYAML's signature)
        """Return True: PyYAML then writes no alias for `data`."""
        return True
