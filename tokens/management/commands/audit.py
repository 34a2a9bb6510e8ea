"""`audit`: print events of the audit trail."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from tokens.audit import search
from tokens.audit.search import Wanted
from tokens.keys import store
from tokens.management.arguments import duration, instant
from tokens.management.exit_codes import COMMON_CODES
from tokens.management.operator_command import OperatorCommand
from tokens.models import AuditEvent

LIMIT = 1000


class Command(OperatorCommand):
    """Prints events of the audit trail, oldest first."""

    help = "Print events of the audit trail, the oldest first. The newest are chosen if there are more than --limit."
    notes = f"""
  audit --since 2h                                 what happened in the last two hours
  audit --since 2027-01-31T12:00Z --client webapp  events about a client, or that it caused
  audit --since 30d --action key.revoked --json    one JSON object for each event, each on a line
{COMMON_CODES}"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument(
            "--since",
            type=ago_or_instant,
            metavar="TIME",
            help="from this time on, or this long ago (90s, 10m, 12h, 2d)",
        )
        parser.add_argument("--until", type=ago_or_instant, metavar="TIME", help="before this time, or this long ago")
        parser.add_argument("--actor", help="who caused the event (user:ada, client:webapp)")
        parser.add_argument("--client", metavar="CLIENT_ID", help="events about the client, or caused by it")
        parser.add_argument("--action", metavar="EVENT", help="the name of the event (client.created)")
        parser.add_argument("--limit", type=rows, default=LIMIT, help="the most events to print (%(default)s)")
        parser.add_argument("--json", action="store_true", help="print one JSON object for each event")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the events of the audit trail that the options select."""
        now = store.database_now()
        wanted = Wanted(
            actor=options["actor"] or "",
            client=options["client"] or "",
            action=options["action"] or "",
            since=_instant(options["since"], now=now),
            until=_instant(options["until"], now=now),
        )
        events = list(search.newest(search.find(wanted), limit=options["limit"]))
        for event in reversed(events):
            self.stdout.write(_json(event) if options["json"] else _line(event))


def ago_or_instant(text: str) -> datetime | timedelta:
    """Parse a duration such as 2h, or a date and time. Raises ArgumentTypeError if the text is neither."""
    try:
        return duration(text)
    except ArgumentTypeError:
        return instant(text)


def rows(text: str) -> int:
    """Parse a number of events. Raises ArgumentTypeError unless it is from 1 to 1000000."""
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise ArgumentTypeError(f"{text!r} is not a number of events from 1 to 1000000")
    return int(text)


def _instant(value: datetime | timedelta | None, *, now: datetime) -> datetime | None:
    return now - value if isinstance(value, timedelta) else value


def _json(event: AuditEvent) -> str:
    """Return the event as a JSON object, with the same fields as in the audit log."""
    fields = {"at": event.at, "action": event.action, "actor": event.actor, "subject": event.subject}
    return json.dumps(fields | {"details": event.details}, cls=DjangoJSONEncoder)


def _line(event: AuditEvent) -> str:
    """Return the event as one line of text, with its details as JSON.

    An actor or subject with a character that is not printable is written as JSON.
    """
    # A terminal might interpret such a character.
    details = f" {json.dumps(event.details)}" if event.details else ""
    return f"{event.at:%Y-%m-%d %H:%M:%S} {_shown(event.actor)} {event.action} {_shown(event.subject)}{details}"


def _shown(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)
