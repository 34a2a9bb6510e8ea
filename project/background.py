"""Starts the background refresh where requests are served: when the server loads the application."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from project.postgresql.budget import at_most, waiting
from tokens.background import refresher

Answer = Callable[[HttpRequest], HttpResponseBase]


def keeps_fresh(answer: Answer) -> Answer:
    """Middleware that starts the refresh once per process, and changes no request."""
    refresher.start(clock=timezone.now, bound=lambda: at_most(waiting()))
    return answer
