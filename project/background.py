"""Starts the background refresh where requests are served: when the server loads the application."""

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from project.postgresql.budget import REQUEST, at_most
from tokens.background import refresher

Answer = Callable[[HttpRequest], HttpResponseBase]


def keeps_fresh(answer: Answer) -> Answer:
    """Middleware that starts the refresh once per process, and changes no request."""
    refresher.start(clock=timezone.now, bound=partial(at_most, REQUEST))
    return answer
