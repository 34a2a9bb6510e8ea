"""Prepares a worker for its first request: loads the application, and data that requests need.

- The front (project/front) is an ASGI application. It gets each request first, and calls the WSGI application.
- A worker starts even if the database does not answer. In that case, the first requests load the data.
- The worker accepts requests after `load` has returned.
"""

import asyncio
import gc
import logging

from django.apps import apps
from django.db import connections
from django.utils import timezone
from django.utils.module_loading import import_string

from project import admin_pages, conf, logs
from project.front.abandonment import watch_connections
from project.front.application import Bounds, Front, Note
from project.front.lanes import WORK_THREADS
from project.launch.workers import Starts, end_with_parent
from project.postgresql import attempt, pool
from project.postgresql.budget import at_most, waiting
from project.settings import environment
from resources import thread_limit

logger = logging.getLogger(__name__)
SECRETS = (
    "SECRET_KEY",
    "KEY_ENCRYPTION_KEYS",
    "DATABASE_URL",
    "API_DATABASE_URL",
    "LOGIN_CACHE_URL",
    "WEBAPP_CLIENT_SECRET",
)
"""Secrets of any process, to remove from the environment even if this process's settings do not read them."""
BODY_WITHIN = 10.0  # seconds
LARGEST = 100 * 1024 * 1024  # bytes
WARM_WITHIN = 3.0  # seconds


def load(target: str, *, alive: tuple[int, int] | None, starts: Starts | None = None, connections: int = 0) -> Front:
    """Return the front, an ASGI application that serves the WSGI application `target`. Call this in a worker process.

    If `alive` is a pipe instead of None, the worker ends when the main process ends (`end_with_parent`). If `starts` is
    not None, the worker reports to it as soon as the event loop runs. The worker's threads share `connections`
    connections to each database. If `connections` is 0, each thread has its own connection.
    """
    if alive is not None:
        end_with_parent(alive)
    if conf.is_log_json():
        logs.capture()
    pool.share(connections)  # before the application starts background threads
    application = import_string(target)
    thread_limit.serving.set_count(WORK_THREADS)
    environment.forget_secrets(*SECRETS)
    watch_connections()
    behind_proxy = conf.is_behind_proxy()
    mount, note = conf.mount(), _noting() if apps.is_installed("tokens") else None
    is_warm = warm_up()
    # The loaded objects stay in use. A full garbage collection that visits them takes 46 ms, in which no request runs.
    gc.collect()
    gc.freeze()
    front = Front(application, bounds(), behind_proxy=behind_proxy, mount=mount, note=note)
    if is_warm:
        front.prepare(_connect, within=WARM_WITHIN)
    if starts is not None:
        asyncio.get_event_loop().call_soon(starts.report)
    return front


def warm_up() -> bool:
    """Load the data that the first requests to an issuer need. Returns True if the data is loaded.

    Returns False if the process is no issuer, or if loading fails or takes longer than WARM_WITHIN. In these cases, the
    first requests load the data.
    """
    if not apps.is_installed("tokens"):
        return False
    try:
        attempt.within(WARM_WITHIN, _warm)
    except Exception as error:  # noqa: BLE001 (a worker must start while the database is away)
        logger.warning("The first requests will be slow: %s", " ".join(str(error).split()) or type(error).__name__)
        return False
    return True


def _connect() -> None:
    """Open this thread's database connections."""
    # Before the first request, which would wait for them.
    from tokens import background  # noqa: PLC0415 (as in `_warm`)

    with at_most(waiting()):
        background.connect(now=timezone.now())


def _warm() -> None:
    from tokens import background  # noqa: PLC0415 (an API has no issuer's models)

    try:
        with at_most(waiting()):
            background.warm(now=timezone.now())
    finally:
        connections.close_all()  # the connections of this thread, which ends


def _noting() -> Note:
    """Return a function that records an answer of 503 in the issuer's audit log.

    The front (project/front) calls the returned function if the 503 comes from the front itself, not from a view.
    """
    from tokens.audit.outages import unavailability  # noqa: PLC0415 (an API has no issuer's models)

    return lambda reason, path: unavailability.note(reason, endpoint=path, now=timezone.now())


def bounds() -> Bounds:
    """Return the limits on the time and size of a request, from the settings.

    The admin's pages have a time limit of their own. If the settings have no ANSWER_WITHIN, as in the example
    application, every request gets the limit of the admin's pages.
    """
    answer = conf.answer_within()
    body = conf.most_body() or LARGEST  # it is None if Django sets no bound
    return Bounds(body, BODY_WITHIN, answer, max(answer, admin_pages.ANSWER_WITHIN))
