"""How the small servers of these tests answer: without a log."""

from wsgiref.simple_server import WSGIRequestHandler


class Quiet(WSGIRequestHandler):
    """A handler without a log."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""
