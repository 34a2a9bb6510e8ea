"""A request handler for the small servers that the browser tests start. It writes no log."""

from wsgiref.simple_server import WSGIRequestHandler


class Quiet(WSGIRequestHandler):
    """A WSGI request handler that writes no log."""

    def log_message(self, *_: object) -> None:
        """Write no log line about a request."""
