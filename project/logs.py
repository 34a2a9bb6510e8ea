"""Format the log, by LOG_FORMAT: `JsonLine` writes an object in each line, `LogLine` text for a developer's terminal.

- A line about a request has the request's id and its trace id (resources/request_ids.py): as `request` and `trace` of
  the JSON, or the request's id in brackets after the logger.
- A line of the audit log is JSON in both formats, without a prefix.
- Control characters cannot begin a line of their own: JSON escapes them, and `LogLine` replaces them.
"""

import json
import logging
import re
import threading
from datetime import UTC, datetime
from typing import Any

from resources.request_ids import ids_of

logger = logging.getLogger(__name__)
AUDIT = "tokens.audit"
HOST_ADVICE = (
    "If that is not a name of this service, the proxy in front does not pass the Host on: nginx needs "
    "`proxy_set_header Host $host;` (docs/proxies.md). If it is, add it to ALLOWED_HOSTS. This is logged once a minute."
)


CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
"""Characters that begin a new line, or control a terminal."""


class LogLine(logging.Formatter):
    """Text for a developer: time, level, logger, and the request's id in brackets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text: one line, and those of its traceback."""
        name, trace = ids_of(record)
        if record.name == AUDIT:
            return _with(record.getMessage(), request=name, trace=trace)
        record.request_id = f" [{name}]" if name else ""
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """Return the line without its traceback."""
        record.message = CONTROL.sub("\N{REPLACEMENT CHARACTER}", record.message)
        return super().formatMessage(record)


class JsonLine(logging.Formatter):
    """An object in one line: at, level, logger, message; exception, request and trace if there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of ASCII."""
        name, trace = ids_of(record)
        if record.name == AUDIT:
            return _with(record.getMessage(), level=record.levelname, logger=AUDIT, request=name, trace=trace)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, Any] = {"at": at, "level": record.levelname, "logger": record.name}
        line |= {"message": record.getMessage(), **getattr(record, "fields", {})}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        ids = {"request": name, "trace": trace}
        return json.dumps(line | {member: value for member, value in ids.items() if value}, default=str)


def _with(line: str, **members: str) -> str:
    """Return the JSON object `line` with further members, without those that are empty."""
    # Not parsed: each issued token writes such a line. The values have no character that JSON escapes.
    further = "".join(f', "{name}": "{value}"' for name, value in members.items() if value)
    return f"{line[:-1]}{further}}}" if line.endswith("}") else line


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


SERVER = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"level": "INFO", "propagate": True}},
}
"""granian's log, so that its lines go to the root logger's handler, and have its format."""


def capture() -> None:
    """Log what Python would print: warnings, and errors that end a thread."""
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread_error


def _log_thread_error(error: threading.ExceptHookArgs) -> None:
    name = error.thread.name if error.thread else "?"
    if error.exc_value is not None:
        logger.error("The thread %s ended by an error", name, exc_info=error.exc_value)
