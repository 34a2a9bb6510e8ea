"""Serve by granian the Django project (issuer, API or example) whose settings DJANGO_SETTINGS_MODULE names.

- Each worker runs the front (project/front), which calls the WSGI application on threads.
- Django's system checks run first. The server does not start if a check reports an error.
- Errors about keys are the exception: they are printed, but do not prevent the start. With a wrong KEY_ENCRYPTION_KEYS,
  the issuer cannot sign, but it can still publish its public keys.
"""

import argparse
import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from http.server import ThreadingHTTPServer

import django
from django.core import checks
from django.db import connections
from granian.constants import HTTPModes, Interfaces

from project import conf, logs
from project.launch.ports import is_taken
from project.launch.worker_start import SECRETS, load
from project.launch.workers import Starts, Workers
from project.metrics import exposition as metrics
from project.settings import environment

logger = logging.getLogger(__name__)
TOLERATED = "keys"  # the tag of the checks about keys
STDIN = 0
PROGRAM = "python -m project.launch.serve"
DESCRIPTION = (
    "Serve the process that DJANGO_SETTINGS_MODULE names, until SIGTERM. Django's system checks run first. An error "
    "prevents the start, unless it is about keys."
)


def main(arguments: list[str], *, program: str = PROGRAM) -> None:
    """Serve until SIGTERM, as the command line says. Also serve /metrics if METRICS_PORT is set.

    Exits with 1 if a system check reports an error.
    """
    options = parse(arguments, program)
    lifeline = os.dup(STDIN) if options.end_with_stdin else None
    exposition = expose_metrics()
    try:
        serve(options, lifeline)
    finally:
        if exposition is not None:
            metrics.stop(exposition)


def expose_metrics() -> ThreadingHTTPServer | None:
    """Start the server of /metrics and return it, or return None if METRICS_PORT is not set.

    Call this function before Django loads the apps, because they register metrics.
    """
    if not conf.metrics_port():
        return None
    return metrics.start(metrics.MetricsPort(conf.metrics_address(), conf.metrics_port(), conf.metrics_from()))


def serve(options: argparse.Namespace, lifeline: int | None) -> None:
    """Run the checks, then serve until SIGTERM. Exit with 1 if a check reports an error, or if the port is taken.

    `lifeline` is the file descriptor of a pipe, or None. The server also ends when the other end of the pipe closes.
    """
    django.setup()
    refuse_on_errors()
    if is_taken(options.address, options.port):
        sys.exit(f"Not served: port {options.port} is taken, and both processes would get some of its requests.")
    if lifeline is not None:
        end_with(lifeline, lambda: os.kill(os.getpid(), signal.SIGTERM))
    share_memory()
    forks = multiprocessing.get_start_method() == "fork"
    alive, starts = (os.pipe(), Starts()) if forks else (None, None)
    if forks:  # workers inherit the settings, so the environment is not read again
        environment.forget_secrets(*SECRETS)
    Workers(
        conf.wsgi_application(),
        address=options.address,
        port=options.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,  # over HTTP/2, a truncated body looks complete
        websockets=False,
        log_dictconfig=logs.SERVER if conf.is_log_json() else None,
        workers=options.workers,
        workers_kill_timeout=3,
        starts=starts,
    ).serve(target_loader=partial(load, alive=alive, starts=starts, connections=shared_connections(options.workers)))


def parse(arguments: list[str], program: str) -> argparse.Namespace:
    """Return the options of the command line."""
    return parser(program).parse_args(arguments)


def parser(program: str) -> argparse.ArgumentParser:
    """Return the parser of the command line. docs/reference/commands.md is made from this parser."""
    command_line = argparse.ArgumentParser(prog=program, description=DESCRIPTION)
    command_line.add_argument("port", type=int, help="the port to listen on")
    command_line.add_argument("--address", default="127.0.0.1", help="the address to listen on (%(default)s)")
    command_line.add_argument("--workers", type=int, default=1, help="number of worker processes (%(default)s)")
    command_line.add_argument("--end-with-stdin", action="store_true", help="end if the other side of stdin closes")
    return command_line


def refuse_on_errors() -> None:
    """Run Django's system checks and report their messages. Exit with 1 if there is an error that is not about keys."""
    databases = list(connections)
    messages = checks.run_checks(databases=databases, include_deployment_checks=not conf.is_debug())
    tolerated = checks.run_checks(tags=[TOLERATED], databases=databases) if messages else []
    connections.close_all()  # no open connection may cross a fork
    for message in messages:
        report(message)
    if any(message.is_serious() and message not in tolerated for message in messages):
        sys.exit("Not served: correct the errors above first.")


def share_memory() -> None:
    """Exclude all loaded objects from garbage collection, so that forked workers share their memory."""
    # A garbage collection in a worker would write into each object that it visits, and so copy the memory page of the
    # object. Frozen objects are not visited.
    gc.collect()
    gc.freeze()


def report(message: checks.CheckMessage) -> None:
    """Print the message of a check. If the log is JSON, log it instead."""
    if conf.is_log_json():
        logger.log(message.level, "%s", message)
    else:
        print(message, file=sys.stderr, flush=True)


def shared_connections(workers: int) -> int:
    """Return the number of connections that the threads of each worker share, or 0 if they share none."""
    node = conf.database_connections()
    return max(1, node // workers) if node else 0


def end_with(lifeline: int, end: Callable[[], None]) -> None:
    """Start a thread that calls `end` when the other end of the pipe `lifeline` closes.

    The pipe closes when the process at its other end ends, even by SIGKILL.
    """

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        end()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:])
