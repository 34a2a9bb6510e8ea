"""Format the log: lines of the audit log are JSON without a prefix, all others begin with time, level and logger.

A line about a request has the request's id (project/request_id.py): in brackets after the logger, or as the member
`request` of the JSON.
"""

import json
import logging
import threading

from project import request_id

AUDIT = "tokens.audit"
HOST_ADVICE = (
    "If that is not a name of this service, the proxy in front does not pass the Host on: nginx needs "
    "`proxy_set_header Host $host;` (docs/proxies.md). If it is, add it to ALLOWED_HOSTS. This is logged once a minute."
)


class LogLine(logging.Formatter):
    """Adds no prefix to a line of the audit log, so that a log collector can parse it as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of text."""
        # Django logs some answers after all middleware, with the request.
        name = request_id.current() or getattr(getattr(record, "request", None), "request_id", "")
        if record.name == AUDIT:
            return _with_request(record.getMessage(), name) if name else record.getMessage()
        record.request_id = f" [{name}]" if name else ""
        return super().format(record)


def _with_request(line: str, name: str) -> str:
    """Return the JSON object `line` with the request's id as its last member."""
    # Not parsed: each issued token writes such a line.
    return f'{line[:-1]}, "request": {json.dumps(name)}}}' if line.endswith("}") else line


class WrongHost(logging.Filter):
    """Limits the lines about requests for a foreign Host to one a minute, with the remedy instead of a traceback."""

    EVERY = 60.0  # seconds

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True for one record a minute, rewritten to one line that names the remedy."""
        if str(record.msg).endswith(HOST_ADVICE):
            return True  # dictConfig keeps filters: a logger that was configured twice has this one twice
        with self._lock:
            if record.created - self._last < self.EVERY:
                return False
            self._last = record.created
        record.msg, record.args = f"%s {HOST_ADVICE}", (record.getMessage(),)
        record.exc_info = record.exc_text = None
        return True
