"""Format the log, by LOG_FORMAT: `JsonLine` writes a JSON object per line, `LogLine` text for a developer's terminal.

- In JSON, a line about a request has the request's id as `request`, and its trace id as `trace`
  (resources/request_ids.py). In text, the line has only the request's id, in brackets after the logger.
- A line of the audit log is JSON in both formats, without a prefix.
- In an e-mail address, the part before the "@" is replaced by "…", because other libraries put addresses into the texts
  of their errors. The audit log itself does the same (tokens/audit/trail.py).
- A control character cannot begin a new line: JSON escapes it, and `LogLine` replaces it.
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

ADDRESS = re.compile(r"(?<![^\s@\"'<>,;:/])[^\s@\"'<>,;:/]+@(?=[\w-]+\.[\w.-]*\w)")
"""The part of an e-mail address before its domain. The pattern matches only at the beginning of a word, so that a long
text takes linear time."""


class LogLine(logging.Formatter):
    """A formatter of records as text for a developer: time, level, logger, request id in brackets, and message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text: one line, followed by the lines of its traceback."""
        name, trace = ids_of(record)
        if record.name == AUDIT:
            return _with(record.getMessage(), request=name, trace=trace)
        record.request_id = f" [{name}]" if name else ""
        return without_addresses(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """Return the line without its traceback."""
        record.message = CONTROL.sub("\N{REPLACEMENT CHARACTER}", record.message)
        return super().formatMessage(record)


class JsonLine(logging.Formatter):
    """A formatter of records as a JSON object on one line: at, level, logger, message, and other members that apply."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of ASCII."""
        name, trace = ids_of(record)
        if record.name == AUDIT:
            return _with(record.getMessage(), level=record.levelname, logger=AUDIT, request=name, trace=trace)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, Any] = {"at": at, "level": record.levelname, "logger": record.name}
        line |= {"message": without_addresses(record.getMessage()), **getattr(record, "fields", {})}
        if record.exc_info:
            line["exception"] = without_addresses(self.formatException(record.exc_info))
        ids = {"request": name, "trace": trace}
        return json.dumps(line | {member: value for member, value in ids.items() if value}, default=str)


def without_addresses(text: str) -> str:
    """Return the text with "…" in place of the part before the "@" in each e-mail address."""
    return ADDRESS.sub("…@", text) if "@" in text else text


def _with(line: str, **members: str) -> str:
    """Return the JSON object `line` with further members, except those whose value is empty.

    A line that is not a JSON object is returned unchanged.
    """
    # `line` is not parsed, because each issued token writes such a line. The values need no escaping in JSON.
    further = "".join(f', "{name}": "{value}"' for name, value in members.items() if value)
    return f"{line[:-1]}{further}}}" if line.endswith("}") else line


class WrongHost(logging.Filter):
    """A filter that passes one record per minute about requests for a wrong Host.

    The record has the remedy instead of a traceback.
    """

    EVERY = 60.0  # seconds

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the first record of a minute to one line that names the remedy, without a traceback.

        Returns True for this record, which is then logged, and False for the other records of the minute.
        """
        if str(record.msg).endswith(HOST_ADVICE):
            return True  # dictConfig keeps filters, so a logger that was configured twice has this filter twice
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
"""The logging configuration of granian, whose lines go to the handler of the root logger and have its format."""


def capture() -> None:
    """Log Python's warnings, and the exceptions that end a thread. By default, Python prints both."""
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread_error


def _log_thread_error(error: threading.ExceptHookArgs) -> None:
    name = error.thread.name if error.thread else "?"
    if error.exc_value is not None:
        logger.error("The thread %s ended by an error", name, exc_info=error.exc_value)
