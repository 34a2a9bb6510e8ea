"""Stores authorization requests while their users log in, each in a session row of its own.

- No login, logout or other tab changes the row.
- The first answer that the client gets, a code or an error, dates the row. For `AGAIN` from then on the same browser
  may answer again, and each answer is a code or an error of its own. So after a double click
  the browser still reaches the client, with the second answer. After `AGAIN`, the row only names the client.
- A row also says if the client pushed or signed its request (`request_push`, `request_signature`).
- A row expires after `LIFETIME`; `manage.py purge_tokens` removes it.
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
"""For how long after the first answer the same browser may answer again."""
QUERY = "authorization_request"
PUSHED = "authorization_pushed"
SIGNED = "authorization_signed"
ANSWERED = "authorization_answered"
ANSWERED_AT = "authorization_answered_at"
"""The database's clock at the first answer, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """The query of an authorization request, and whether its client pushed or signed it."""

    query: str
    is_pushed: bool = False
    is_signed: bool = False


class NotStored(Exception):
    """No request is stored for this browser: its row expired or was dropped, or another browser sent the request."""


class AlreadyAnswered(Exception):
    """The client got the first answer to the request more than `AGAIN` ago."""

    def __init__(self, client_id: str, redirect_uri: str) -> None:
        super().__init__(f"the request of client {client_id} was already answered")
        self.client_id = client_id
        self.redirect_uri = redirect_uri


def create(request: KeptRequest) -> str:
    """Store an authorization request in a new row, and return the row's key."""
    row = _row(None)
    row[QUERY] = request.query
    for name, value in ((PUSHED, request.is_pushed), (SIGNED, request.is_signed)):
        if value:
            row[name] = True
    row.set_expiry(int(LIFETIME.total_seconds()))
    row.create()
    return str(row.session_key)


def find(key: str) -> str | None:
    """Return the request in the row with this key, also if it was answered. Returns None if there is none."""
    query = _row(key).get(QUERY)
    return query if isinstance(query, str) else None


def read(key: str, *, now: datetime) -> KeptRequest:
    """Return the request in the row with this key. Raises NotStored if there is none, and AlreadyAnswered.

    `now` is the database's clock.
    """
    row = _row(key)
    _refuse_answered(row, now=now)
    if QUERY not in row:
        raise NotStored
    return KeptRequest(str(row[QUERY]), is_pushed=bool(row.get(PUSHED)), is_signed=bool(row.get(SIGNED)))


@transaction.atomic
def mark_answered(key: str, *, client_id: str, redirect_uri: str, now: datetime) -> None:
    """Record that the client of a stored request gets an answer at `now`, which is the database's clock.

    Call it in the transaction that makes the answer. Raises AlreadyAnswered if the first answer is more than `AGAIN`
    old, and NotStored if the row is gone.
    """
    # The lock makes tabs that answer at once see which answer is the first.
    locked = Session.objects.select_for_update().filter(pk=key).first()
    content = locked.get_decoded() if locked else {}
    _refuse_answered(content, now=now)
    if locked is None or QUERY not in content:
        raise NotStored
    if ANSWERED in content:  # the first answer keeps its date, or answers in a row would keep the handle open
        return
    answered = {ANSWERED: [client_id, redirect_uri], ANSWERED_AT: now.timestamp()}
    locked.session_data = Session.objects.encode(content | answered)
    locked.save(update_fields=["session_data"])


def _refuse_answered(row: SessionBase | Mapping[str, Any], *, now: datetime) -> None:
    """Raise AlreadyAnswered if the row's first answer is more than `AGAIN` old."""
    # An older process writes no date: its answers are over at once.
    if ANSWERED in row and now.timestamp() - row.get(ANSWERED_AT, 0) > AGAIN.total_seconds():
        raise AlreadyAnswered(*row[ANSWERED])


def _row(key: str | None) -> SessionBase:
    """Return the session row of the key, or a new row for None."""
    row: SessionBase = import_module(conf.pages().session_engine).SessionStore(key)
    return row
