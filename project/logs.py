"""How lines of the log look: the audit log's are JSON and stand alone, all others say when, how grave and where."""

import logging

AUDIT = "tokens.audit"


class Line(logging.Formatter):
    """Leaves a line of the audit log as it is, so that whoever collects it can parse it whole."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return record.getMessage() if record.name == AUDIT else super().format(record)
