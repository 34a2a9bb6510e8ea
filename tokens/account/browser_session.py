"""Records the browser sessions of users, so that a user can see and end them.

- The row of a session is written at its login. The session stores the id of its row (as the entry `ROW`), so no
  request searches for the row.
- "Last seen" can lag by up to `EVERY`, because each process writes it at most once per session in that time.
- The session key (Django's) changes with a new password; the new session key is then written into the row.
- `end` deletes a session from the session store, which every process reads at each request.
- A row is not shown after its session ended or its user logged out everywhere. A logout deletes the row at once;
  `manage.py purge_tokens` deletes the rows of sessions that ended otherwise.
- The browser's IP address is stored only if the operator turned on SESSION_ADDRESSES.

allauth.usersessions does not fit. It always stores the IP address, it loads each session of the user at a login, and
with "last seen" it sends a SELECT and an UPDATE for each request.
"""

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from threading import Lock
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tokens import conf
from tokens.audit import trail
from tokens.back_channel import session_end
from tokens.models import BrowserSession, User

ROW = "browser_session"
"""The entry of a session with the id of its row, and the session key, epoch and `sid` that the row has."""
SID = "sid"
"""The entry of a session with its `sid`, which clients know. tokens/authorize/login_session.py writes it at login."""
EVERY = timedelta(minutes=5)
REMEMBERED = 10_000
LONGEST = 300
"""The number of characters of the header User-Agent that are stored."""

# By id of a row: when this process last wrote "last seen". Lives as long as the process; the oldest entries go first.
_seen: OrderedDict[str, datetime] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Visit:
    """The user of an HTTP request, and the parts of the request that are stored with the session."""

    user: User
    user_agent: str
    address: str
    """The address of the sender, which is stored only if the operator turned on SESSION_ADDRESSES."""


def follow(session: SessionBase, visit: Visit, *, now: datetime) -> None:
    """Keep the session's row up to date with the session.

    - If the session has no row and is about to be saved, as at a login, create the row.
    - If the session key, the user's session epoch (`User.session_epoch`) or the `sid` changed, write all three into the
      row.
    - Otherwise write the time "last seen", unless this process wrote it less than EVERY ago.
    """
    row, *marks = session.get(ROW) or ("",)
    if not row:
        if session.modified:  # the request writes the session anyway: a login
            record(session, visit, now=now)
        return
    if marks != _marks(session, visit.user):
        _move(session, visit, row)
    elif _claim_write(row, now=now):
        BrowserSession.objects.filter(pk=row, last_seen_at__lt=now - EVERY).update(last_seen_at=now)


@transaction.atomic
def record(session: SessionBase, visit: Visit, *, now: datetime) -> None:
    """Create the session's row, unless the session has one."""
    if session.get(ROW):
        return
    if session.session_key is None:
        session.create()
    row = BrowserSession.objects.create(
        user=visit.user,
        session_key=str(session.session_key),
        session_epoch=visit.user.session_epoch,
        sid=_sid(session),
        user_agent=visit.user_agent[:LONGEST].replace("\0", ""),
        address=visit.address if conf.issuer().stores_session_addresses else "",
        began_at=now,
        last_seen_at=now,
    )
    _link(session, visit.user, str(row.pk))


def live(user: User) -> "QuerySet[BrowserSession]":
    """Return the rows of the user's sessions that have not ended, the most recently seen first."""
    exists = Exists(Session.objects.filter(pk=OuterRef("session_key")))
    rows = BrowserSession.objects.filter(exists, user=user, session_epoch=user.session_epoch)
    return rows.order_by("-last_seen_at", "pk")


def current(session: SessionBase) -> str:
    """Return the id of the session's row, or "" if it has none."""
    return str((session.get(ROW) or ("",))[0])


@transaction.atomic
def end(user: User, rows: Sequence[str], *, now: datetime) -> list[BrowserSession]:
    """End the user's sessions whose row ids are in `rows`, and return their rows.

    For each session, `session_end.end_session` revokes grants and queues logout messages to clients. Also records an
    audit event for each session. Ignores an id that belongs to no session of the user. `now` is the database's clock.
    """
    # Lock the user first, as each end of a session does (tokens/back_channel/session_end.py).
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    wanted = [row for row in rows if _is_id(row)]
    sessions = list(BrowserSession.objects.select_for_update().filter(user=user, pk__in=wanted).order_by("pk"))
    name = f"user:{user.get_username()}"
    # Those of all sessions, before the grants of the first: the lock order.
    session_end.lock_sessions(Q(user=user, sid__in=[row.sid for row in sessions]))
    for row in sessions:
        session_end.end_session(user, row.sid, now=now)
        _store().delete(row.session_key)
        trail.record("session.ended", actor=name, subject=name, details={"session": str(row.pk)}, now=now)
    BrowserSession.objects.filter(pk__in=[row.pk for row in sessions]).delete()
    return sessions


def forget(session: SessionBase) -> None:
    """Delete the row of a session that is about to end."""
    if row := current(session):
        BrowserSession.objects.filter(pk=row).delete()


def ended(*, before: datetime) -> "QuerySet[BrowserSession]":
    """Return the rows whose session was deleted from the session store and was last seen before `before`.

    The least recently seen row comes first.
    """
    exists = Exists(Session.objects.filter(pk=OuterRef("session_key")))
    return BrowserSession.objects.filter(~exists, last_seen_at__lt=before).order_by("last_seen_at")


@transaction.atomic
def _move(session: SessionBase, visit: Visit, row: str) -> None:
    """Update the session's row: write the session key, the `sid` and the user's epoch. `row` is the id of the row.

    A new password changes the session key and the epoch (`User.session_epoch`).
    """
    if session.session_key is None:
        session.create()
    changed = {"session_key": session.session_key, "session_epoch": visit.user.session_epoch, "sid": _sid(session)}
    BrowserSession.objects.filter(pk=row, user=visit.user).update(**changed)
    _link(session, visit.user, row)


def _link(session: SessionBase, user: User, row: str) -> None:
    session[ROW] = [row, *_marks(session, user)]


def _marks(session: SessionBase, user: User) -> list[str]:
    """Return the current session key, epoch and `sid` of the session.

    `_link` stores a copy of these three values in the session. If the current values differ from the copy, the
    session's row is out of date.
    """
    return [str(session.session_key), str(user.session_epoch or ""), _sid(session)]


def _sid(session: SessionBase) -> str:
    return str(session.get(SID, ""))


def _claim_write(row: str, *, now: datetime) -> bool:
    """Claim the write of the row's time "last seen", and remember `now` as the time of that write.

    Returns False, and claims nothing, if this process claimed the write less than EVERY ago. If the result is True, the
    caller must write the time.
    """
    with _lock:
        last = _seen.get(row)
        if last is not None and now - last < EVERY:
            return False
        _seen[row] = now
        _seen.move_to_end(row)
        if len(_seen) > REMEMBERED:
            _seen.popitem(last=False)
        return True


def _is_id(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def _store() -> Any:
    """Return a session store of the kind that Django's setting SESSION_ENGINE names."""
    return import_module(conf.pages().session_engine).SessionStore()
