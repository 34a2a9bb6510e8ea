"""A request handler that writes no log, for the small servers of the browser tests."""

from wsgiref.simple_server import WSGIRequestHandler


class Quiet(WSGIRequestHandler):
    """A WSGI request handler that writes no log."""

    def log_message(self, *_: object) -> None:
        """Write no log line about a request."""
