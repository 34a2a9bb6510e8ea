"""Serve the process that DJANGO_SETTINGS_MODULE names, under granian.

- Each worker runs the front (project/front), which calls the process's WSGI application on threads.
- Django's system checks run first. The process is not served if one reports an error.
- Errors about keys are printed, and the process is served: a wrong KEY_ENCRYPTION_KEYS prevents signing, but public
  keys can still be published.
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
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import connections
from django.utils import timezone
from django.utils.module_loading import import_string
from granian.constants import HTTPModes, Interfaces

from project import admin_pages, logs
from project.front.abandonment import watch_connections
from project.front.application import Bounds, Front, Note
from project.front.lanes import WORK_THREADS
from project.launch.ports import is_taken
from project.launch.workers import Workers, end_with_parent
from project.metrics import exposition as metrics
from project.settings import environment
from resources import thread_limit

logger = logging.getLogger(__name__)
TOLERATED = "keys"  # the tag of the checks about keys
SECRETS = (
    "SECRET_KEY",
    "KEY_ENCRYPTION_KEYS",
    "DATABASE_URL",
    "API_DATABASE_URL",
    "LOGIN_CACHE_URL",
    "WEBAPP_CLIENT_SECRET",
)
"""Secrets to remove from the environment even if this process's settings do not read them, as those of others."""
BODY_WITHIN = 10.0  # seconds
LARGEST = 100 * 1024 * 1024  # bytes
STDIN = 0


PROGRAM = "python -m project.launch.serve"


def main(arguments: list[str], *, program: str = PROGRAM) -> None:
    """Check, then serve until SIGTERM; exit 1 if a check reports an error."""
    options = parse(arguments, program)
    lifeline = os.dup(STDIN) if options.end_with_stdin else None
    exposition = expose_metrics()
    try:
        serve(options, lifeline)
    finally:
        if exposition is not None:
            metrics.stop(exposition)


def expose_metrics() -> ThreadingHTTPServer | None:
    """Serve /metrics if METRICS_PORT says so. Call it before Django's apps are loaded, which register metrics."""
    if not getattr(settings, "METRICS_PORT", 0):
        return None
    return metrics.start(metrics.MetricsPort(settings.METRICS_ADDRESS, settings.METRICS_PORT, settings.METRICS_FROM))


def serve(options: argparse.Namespace, lifeline: int | None) -> None:
    """Check, then serve until SIGTERM. `lifeline` is a pipe whose end ends this process, or None."""
    django.setup()
    refuse_on_errors()
    if is_taken(options.address, options.port):
        sys.exit(f"Not served: port {options.port} is taken, and both processes would get some of its requests.")
    if lifeline is not None:
        end_with(lifeline, lambda: os.kill(os.getpid(), signal.SIGTERM))
    forks = multiprocessing.get_start_method() == "fork"
    alive = os.pipe() if forks else None
    if forks:  # workers inherit the settings, so the environment is not read again
        environment.forget_secrets(*SECRETS)
    Workers(
        settings.WSGI_APPLICATION,
        address=options.address,
        port=options.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,  # over HTTP/2 a body that is cut off looks complete
        websockets=False,
        log_dictconfig=logs.SERVER if is_json() else None,
        workers=options.workers,
        workers_kill_timeout=3,
    ).serve(target_loader=partial(load, alive=alive))


def parse(arguments: list[str], program: str) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--address", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="number of worker processes (%(default)s)")
    parser.add_argument("--end-with-stdin", action="store_true", help="end if the other side of stdin closes")
    return parser.parse_args(arguments)


def refuse_on_errors() -> None:
    """Print the messages of the system checks, databases and deployment included. Exit 1 after an untolerated error."""
    databases = list(connections)
    messages = checks.run_checks(databases=databases, include_deployment_checks=not settings.DEBUG)
    tolerated = checks.run_checks(tags=[TOLERATED], databases=databases) if messages else []
    connections.close_all()  # no open connection may cross a fork
    for message in messages:
        report(message)
    if any(message.is_serious() and message not in tolerated for message in messages):
        sys.exit("Not served: correct the errors above first.")


def is_json() -> bool:
    """Return True if the settings say that each line of the log is JSON."""
    return getattr(settings, "LOG_FORMAT", "text") == "json"


def report(message: checks.CheckMessage) -> None:
    """Print the message of a check, as a line of the log if that is JSON."""
    if is_json():
        logger.log(message.level, "%s", message)
    else:
        print(message, file=sys.stderr, flush=True)


def load(target: str, *, alive: tuple[int, int] | None) -> Front:
    """Return the front of the WSGI application `target`, inside a worker process."""
    if alive is not None:
        end_with_parent(alive)
    if is_json():
        logs.capture()
    application = import_string(target)
    thread_limit.serving.set_count(WORK_THREADS)
    environment.forget_secrets(*SECRETS)
    watch_connections()
    behind_proxy = getattr(settings, "BEHIND_PROXY", False)
    mount, note = settings.FORCE_SCRIPT_NAME or "", _noting() if apps.is_installed("tokens") else None
    # What is loaded stays. A full garbage collection that walks it takes 46 ms, in which no request runs.
    gc.collect()
    gc.freeze()
    return Front(application, bounds(), behind_proxy=behind_proxy, mount=mount, note=note)


def _noting() -> Note:
    """Return a function that writes the front's own 503 answers into the issuer's audit log."""
    from tokens.audit.outages import unavailability  # noqa: PLC0415 (an API has no issuer's models)

    return lambda reason, path: unavailability.note(reason, endpoint=path, now=timezone.now())


def bounds() -> Bounds:
    """Return the bounds of requests. Settings without ANSWER_WITHIN (the example application) get the admin's."""
    answer = getattr(settings, "ANSWER_WITHIN", admin_pages.ANSWER_WITHIN)
    body = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or LARGEST  # None: Django sets no bound
    return Bounds(body, BODY_WITHIN, answer, max(answer, admin_pages.ANSWER_WITHIN))


def end_with(lifeline: int, end: Callable[[], None]) -> None:
    """Call `end` when the process at the other end of the pipe `lifeline` ends, even by SIGKILL."""

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        end()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:])
