"""Stores authorization requests while their users log in. Each request has a row of its own in the session table.

- The row is not the browser's login session. So a login, a logout or another tab does not change the row.
- The row records the time of the first answer to the client, which is a code or an error. Within `AGAIN` after that
  time, the same browser can send the page's form again, and the client gets another answer. So a double click works.
  After `AGAIN`, the row only serves to name the client to the user.
- A row also has two flags: the client pushed the request (`request_push`) or signed it (`request_signature`).
- A row expires after `LIFETIME`, and `manage.py purge_tokens` deletes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction

from tokens import conf

LIFETIME = timedelta(hours=2)
AGAIN = timedelta(seconds=10)
"""The time after the first answer within which the same browser may answer again."""
QUERY = "authorization_request"
PUSHED = "authorization_pushed"
SIGNED = "authorization_signed"
ANSWERED = "authorization_answered"
ANSWERED_AT = "authorization_answered_at"
"""The database's clock at the first answer, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A stored authorization request: its query, and two flags for a pushed and for a signed request."""

    query: str
    is_pushed: bool = False
    is_signed: bool = False


class NotStored(Exception):
    """This browser has no stored request. The row expired or was deleted, or belongs to another browser."""


class AlreadyAnswered(Exception):
    """The request was answered more than `AGAIN` ago, and must not be answered again."""

    def __init__(self, client_id: str, redirect_uri: str) -> None:
        super().__init__(f"the request of client {client_id} was already answered")
        self.client_id = client_id
        self.redirect_uri = redirect_uri


def create(request: KeptRequest) -> str:
    """Store an authorization request in a new session row, and return the row's session key."""
    row = _row(None)
    row[QUERY] = request.query
    for name, value in ((PUSHED, request.is_pushed), (SIGNED, request.is_signed)):
        if value:
            row[name] = True
    row.set_expiry(int(LIFETIME.total_seconds()))
    row.create()
    return str(row.session_key)


def find(key: str) -> str | None:
    """Return the query of the request in the row with the session key `key`, even if the request was answered.

    Returns None if the row does not exist or contains no request.
    """
    query = _row(key).get(QUERY)
    return query if isinstance(query, str) else None


def read(key: str, *, now: datetime) -> KeptRequest:
    """Return the request in the row with the session key `key`. `now` is the database's clock.

    Raises NotStored if the row does not exist or contains no request. Raises AlreadyAnswered if the client got its
    first answer more than `AGAIN` ago.
    """
    row = _row(key)
    _refuse_answered(row, now=now)
    if QUERY not in row:
        raise NotStored
    return KeptRequest(str(row[QUERY]), is_pushed=bool(row.get(PUSHED)), is_signed=bool(row.get(SIGNED)))


@transaction.atomic
def mark_answered(key: str, *, client_id: str, redirect_uri: str, now: datetime) -> None:
    """Record that the client of the stored request gets an answer at `now`, which is the database's clock.

    Records only the first answer. A further answer is permitted for `AGAIN` (10 seconds) after the first, and is not
    recorded. If the answer is a code, the caller must store the code in the same transaction.

    Raises AlreadyAnswered if the first answer is more than `AGAIN` old, and NotStored if the row does not exist any
    more or contains no request.
    """
    # The lock decides which answer is the first if two tabs answer at once.
    locked = Session.objects.select_for_update().filter(pk=key).first()
    content = locked.get_decoded() if locked else {}
    _refuse_answered(content, now=now)
    if locked is None or QUERY not in content:
        raise NotStored
    if ANSWERED in content:  # the first answer keeps its date, or repeated answers would extend AGAIN
        return
    answered = {ANSWERED: [client_id, redirect_uri], ANSWERED_AT: now.timestamp()}
    locked.session_data = Session.objects.encode(content | answered)
    locked.save(update_fields=["session_data"])


def _refuse_answered(row: SessionBase | Mapping[str, Any], *, now: datetime) -> None:
    """Raise AlreadyAnswered if the request in `row` was first answered more than `AGAIN` (10 seconds) ago."""
    # A process of an older version stores no date: AGAIN is over at once.
    if ANSWERED in row and now.timestamp() - row.get(ANSWERED_AT, 0) > AGAIN.total_seconds():
        raise AlreadyAnswered(*row[ANSWERED])


def _row(key: str | None) -> SessionBase:
    """Return the session row with the session key `key`, or a new row if `key` is None."""
    row: SessionBase = import_module(conf.pages().session_engine).SessionStore(key)
    return row
