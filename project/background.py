"""Start the background threads of processes that serve requests, when the server loads the application."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from project.postgresql.budget import at_most, waiting
from tokens.back_channel.sender import sender
from tokens.background import refresher

Answer = Callable[[HttpRequest], HttpResponseBase]


def keeps_fresh(answer: Answer) -> Answer:
    """Start the threads that refresh snapshots and deliver logouts. Return `answer`, the next middleware, unchanged."""
    # A middleware, because Django builds it once, and only in processes that serve.
    refresher.start(clock=timezone.now, bound=lambda: at_most(waiting()))
    sender.start(bound=lambda: at_most(waiting()))
    return answer
