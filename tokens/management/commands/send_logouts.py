"""`send_logouts`: deliver logout messages to clients, once or until the process is stopped."""

import json
import signal
import threading
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from tokens.back_channel import outbox
from tokens.back_channel.dispatcher import Dispatcher
from tokens.back_channel.sender import run
from tokens.keys import store
from tokens.management.exit_codes import COMMON_CODES
from tokens.management.operator_command import OperatorCommand

NOTES = """
  send_logouts                 deliver until SIGTERM or SIGINT, as a worker
  send_logouts --once --json   deliver what is due, and print one JSON object, for monitoring

The server processes deliver logout tokens themselves. Run this command if they cannot reach the applications. Several
runs at once are safe.
"""


class Command(OperatorCommand):
    """Delivers the logout messages, which notify clients that a user's session has ended."""

    help = "Deliver the logout tokens that tell applications that a user's session ended (docs/logout.md)."
    notes = NOTES + COMMON_CODES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument("--once", action="store_true", help="deliver what is due now, then end")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object at the end, with what is pending and dead"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Deliver logout messages, then print how many were delivered, failed, are pending, and were given up."""
        dispatcher = Dispatcher()
        if options["once"]:
            dispatcher.drain()
        else:
            _work(dispatcher)
        figures = asdict(dispatcher.tally) | asdict(outbox.state(now=store.database_now()))
        if options["json"]:
            self.stdout.write(json.dumps(figures))
        else:
            self.stdout.write(", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in figures.items()))


def _work(dispatcher: Dispatcher) -> None:
    """Deliver messages until SIGTERM or SIGINT."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    run(dispatcher, ended)
