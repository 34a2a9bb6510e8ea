"""Start the background threads of a serving process, when the server loads its application."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from project.postgresql.budget import at_most, waiting
from tokens.back_channel.sender import sender
from tokens.background import refresher

Answer = Callable[[HttpRequest], HttpResponseBase]


def start_threads(answer: Answer) -> Answer:
    """Start the threads that refresh cached data and send logout messages to clients.

    Django calls this function as a middleware factory. It adds no middleware: it returns `answer`, the next middleware,
    unchanged.
    """
    # This is a middleware, because Django creates middleware once, and only in processes that serve.
    refresher.start(clock=timezone.now, bound=lambda: at_most(waiting()))
    sender.start(bound=lambda: at_most(waiting()))
    return answer
