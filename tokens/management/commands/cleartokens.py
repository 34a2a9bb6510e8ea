"""`cleartokens`: django-oauth-toolkit's, which knows nothing of what is kept here; `purge_tokens` does it."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tokens.management.arguments import USAGE

INSTEAD = "use purge_tokens: the toolkit's own command knows nothing of what is kept here"


class Command(BaseCommand):
    """Refuses, whatever it is given."""

    help = "Not here: use purge_tokens."

    def run_from_argv(self, _argv: list[str]) -> None:
        """Say what to use, before anything is parsed."""
        print(f"CommandError: {INSTEAD}", file=sys.stderr)
        sys.exit(USAGE)

    def handle(self, *_args: Any, **_options: Any) -> None:
        """The same for code."""
        raise CommandError(INSTEAD, returncode=USAGE)
