"""`certification_setup`: create clients and user of the OpenID certification plans, and print their configuration."""

import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from tokens import conf
from tokens.email_proof import CannotVerify
from tokens.keys import store
from tokens.management.arguments import one_line
from tokens.management.operator_command import UNSAFE, USAGE, OperatorCommand, exit_codes
from tokens.registration import certification
from tokens.registration.certification_plan import Suite

ALIAS = re.compile(r"[a-z0-9-]{1,32}")
TEST_ISSUER = "--yes-this-is-a-test-issuer"
REFUSED = (
    "this makes clients that need no PKCE and prints the password of a user. Run it on an issuer that is there for"
    f" tests only, with {TEST_ISSUER}"
)
NOTES = """
The JSON is the configuration of a test plan in the OpenID Foundation's conformance suite: Config, Basic, Form Post
Basic, RP-Initiated Logout or Back-Channel Logout OP, with static clients and discovery. It contains the secrets of the
clients and the password of the user, which a further run replaces. After the tests, delete them in the admin.
"""


class Command(OperatorCommand):
    """Creates clients and user of the certification plans."""

    help = "Create the clients and the user of the OpenID certification plans, and print the suite's configuration."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("--base-url", required=True, type=base_url, metavar="URL", help="the suite's own URL")
        parser.add_argument("--alias", required=True, type=alias, metavar="NAME", help="the alias of the test plans")
        parser.add_argument("--json", action="store_true", help="the output is one JSON object with or without it")
        parser.add_argument(TEST_ISSUER, action="store_true", dest="is_test_issuer", help="required unless DEBUG is on")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Create clients and user, and print the configuration."""
        settings = conf.issuer()
        if not (settings.is_development or options["is_test_issuer"]):
            raise CommandError(REFUSED, returncode=UNSAFE)
        suite = Suite(base_url=options["base_url"], alias=options["alias"])
        try:
            with exit_codes():
                plan = certification.set_up(suite, issuer=settings.url, now=store.database_now())
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        except CannotVerify as error:
            raise CommandError(str(error), returncode=UNSAFE) from error
        self.stdout.write(json.dumps(plan, indent=2))


def base_url(text: str) -> str:
    """Return the suite's URL without a slash at the end. The clients' redirect URIs are checked when they are saved."""
    return text.rstrip("/")


def alias(text: str) -> str:
    """Return `text` if it can be part of a URL and of a client_id. Raises ArgumentTypeError if it cannot."""
    if not ALIAS.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is not an alias of 1 to 32 characters a-z, 0-9 and -")
    return text
