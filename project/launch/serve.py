"""Serves one process under granian: the one that DJANGO_SETTINGS_MODULE names.

A WSGI server runs none of Django's system checks: this does, and refuses to serve on errors. Errors about the keys are
said as loudly and served all the same: a wrong KEY_ENCRYPTION_KEYS stops signing, never the publishing of public keys.
"""

import argparse
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import django
from django.conf import settings
from django.core import checks
from django.db import connections
from django.utils.module_loading import import_string
from granian import Granian
from granian.constants import Interfaces

from project.launch.ports import is_taken

# The settings have read these by the time a worker serves; granian would copy them into the environ of each request.
SECRETS = (
    "SECRET_KEY",
    "KEY_ENCRYPTION_KEYS",
    "DATABASE_URL",
    "API_DATABASE_URL",
    "CACHE_URL",
    "LOGIN_CACHE_URL",
    "WEBAPP_CLIENT_SECRET",
)
SERVED_ALL_THE_SAME = "keys"  # the tag of the checks about keys
STDIN = 0
THREADS = 8


def main() -> None:
    """Check, then serve until SIGTERM; exit 1 when a check says that this must not be served."""
    options = parse(sys.argv[1:])
    lifeline = os.dup(STDIN) if options.end_with_stdin else None
    django.setup()
    refuse_on_errors()
    if is_taken(options.address, options.port):
        sys.exit(f"Not served: port {options.port} is taken, and two processes would share its requests.")
    if lifeline is not None:
        end_with(lifeline, lambda: os.kill(os.getpid(), signal.SIGTERM))
    forks = multiprocessing.get_start_method() == "fork"
    Granian(
        settings.WSGI_APPLICATION,
        address=options.address,
        port=options.port,
        interface=Interfaces.WSGI,
        workers=options.workers,
        blocking_threads=THREADS,
        workers_kill_timeout=3,
    ).serve(target_loader=partial(load, lifeline=lifeline if forks else None))


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m project.launch.serve", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--address", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="how many processes serve (%(default)s)")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when the other side of stdin is gone")
    return parser.parse_args(arguments)


def refuse_on_errors() -> None:
    """Say what the system checks say, databases and deployment included; exit 1 on an error that is not the keys'."""
    databases = list(connections)
    found = checks.run_checks(databases=databases, include_deployment_checks=not settings.DEBUG)
    tolerated = checks.run_checks(tags=[SERVED_ALL_THE_SAME], databases=databases) if found else []
    connections.close_all()  # no open connection may cross a fork
    for message in found:
        print(message, file=sys.stderr, flush=True)
    if any(message.is_serious() and message not in tolerated for message in found):
        sys.exit("Not served: the errors above come first.")


def load(target: str, *, lifeline: int | None) -> Callable[..., Any]:
    """The WSGI application, inside a worker process."""
    application: Callable[..., Any] = import_string(target)
    for name in SECRETS:
        os.environ.pop(name, None)
    if lifeline is not None:
        end_with(lifeline, lambda: os._exit(0))
    return application


def end_with(lifeline: int, end: Callable[[], None]) -> None:
    """Call `end` when the process at the other side of `lifeline` is gone, however it went."""

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        end()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    main()
