"""Sends mail in a thread of its own, so that no answer waits for the mail server, and none reveals that mail was sent.

- The queue is bounded. A message beyond it is dropped, and the log says so; the user can ask again.
- Addresses are made of ISSUER_URL.
- Work can be queued as well: looking a user up takes time that must not show in the answer.
"""

import logging
import queue
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from django.core.mail import EmailMessage
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse
from django.utils import translation

from tokens import conf

logger = logging.getLogger(__name__)
Work = Callable[[], object]

WAITING = 200
"""Messages that wait at once."""
IDLE = 60.0
"""Seconds after which a thread without work ends."""


class Outbox:
    """A queue of work, and the thread that does it. The thread starts with the first work and ends when idle."""

    def __init__(self) -> None:
        self._work: queue.Queue[Work] = queue.Queue(WAITING)
        self._lock = threading.Lock()
        self._is_running = False

    def put(self, work: Work) -> None:
        """Queue the work. Drops it, with a line in the log, if too much waits."""
        try:
            self._work.put_nowait(work)
        except queue.Full:
            logger.error("A message was not sent: %d wait already", WAITING)  # noqa: TRY400 (the reason is the message)
            return
        with self._lock:
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="mail", daemon=True).start()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            do(work)
        connections.close_all()

    def _next(self) -> Work | None:
        """Return the next work, or None if the thread ends."""
        try:
            return self._work.get(timeout=IDLE)
        except queue.Empty:
            with self._lock:
                self._is_running = not self._work.empty()
                return self._work.get_nowait() if self._is_running else None


def do(work: Work) -> None:
    """Call `work`. Log the type of its exception, not its text, which can contain an address."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 (each mail backend has exception types of its own)
        logger.error("A message was not sent: %s", type(error).__name__)  # noqa: TRY400 (see above)


outbox = Outbox()
"""Lives as long as the process."""


def later(work: Work) -> None:
    """Do the work in the thread that sends mail, in the language of this thread."""
    language = translation.get_language()

    def in_language() -> None:
        with translation.override(language):
            work()

    outbox.put(in_language)


def message(template: str, email: str, context: dict[str, Any]) -> EmailMessage:
    """Return a message of the templates `template` with the endings `_subject.txt` and `_message.txt`."""
    content = {"email": email} | context | site()
    subject = " ".join(render_to_string(f"{template}_subject.txt", content).split())
    return EmailMessage(subject, render_to_string(f"{template}_message.txt", content).strip(), None, [email])


def if_sent(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Answer 404 unless this issuer sends mail."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not conf.issuer().sends_mail:
            raise Http404
        return view(request, *args, **kwargs)

    return answer


def send(message: EmailMessage) -> None:
    """Send the message in the thread that sends mail."""
    later(message.send)


def address(name: str, *arguments: str) -> str:
    """Return the absolute address of a page of the issuer."""
    # The prefix of scripts is that of the thread, and the thread that sends mail has none.
    path = reverse(name, args=arguments).removeprefix(get_script_prefix())
    return f"{conf.issuer().url.rstrip('/')}/{path}"


def site() -> dict[str, Any]:
    """Return how the issuer is called in mail: by the host of ISSUER_URL."""
    host = urlsplit(conf.issuer().url).netloc
    return {"current_site": SimpleNamespace(name=host, domain=host), "site": host}
