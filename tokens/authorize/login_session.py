"""The login of a browser session: its time, class and methods, for the claims auth_time, acr, amr and sid.

- Each user has a random session epoch, and a session stores the epoch of its login. "Log out everywhere" and a new
  password change the user's epoch. A login of another epoch is not accepted.
- The session has a record of each authentication: by a password, a code or a passkey. A step-up
  authentication adds a record.
- The time of a login is that of its oldest method. So a code that a user enters today does not make yesterday's
  password new. If one method has two records, the later record is used.
- Times are by the database's clock, because nodes compare them.
- Each session has a random `sid`, which is in ID tokens (Back-Channel Logout 1.0 section 2.1). Because clients see the
  `sid`, it differs from the key in the session's cookie. If the same user logs in again in the same browser, the `sid`
  stays the same, so that no application's session ends.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest

from tokens import authentication_class
from tokens.authentication_class import PASSKEY
from tokens.back_channel import session_end
from tokens.issued.login import Login
from tokens.models import User

METHODS = {"password": ("pwd",), "totp": ("otp",), "recovery_codes": ("otp",), PASSKEY: ("user",)}
"""The names of a method in the claim `amr` (RFC 8176), by allauth's name. A passkey also gets HARDWARE or SOFTWARE."""
HARDWARE, SOFTWARE = "hwk", "swk"
"""In `amr`, whether a passkey's key stays in one authenticator or is shared by the user's devices. Not attested."""

MADE_FOR = "made_for"
SID = "sid"
EARLIER = "earlier_session"
"""The entry of a session without a user that has the user and the `sid` of the browser's session before it."""
EPOCH = "session_epoch"
"""The entry with the user's epoch at this login. A session survives a new password; its login does not."""
WAITING_MARK = "waiting_mark"
"""The entry with the mark of the waiting request (`reauthentication`), while its login lacks the second factor."""
KEY = "key"
"""The member of a passkey's record that is HARDWARE or SOFTWARE."""
LEVELS = authentication_class.CLASSES


def begin(request: HttpRequest, user: User, *, made_for: str, now: datetime) -> None:
    """Record a login of `user` in the browser's session.

    If an authorization request required this login, `made_for` is the signed mark of the request (`reauthentication`),
    else "". `now` is the database's clock.
    """
    request.session[MADE_FOR] = made_for
    request.session[EPOCH] = epoch(user)
    request.session[SID] = _earlier_sid(request, user, now=now) or secrets.token_urlsafe(24)
    for record in get_authentication_records(request, user):
        record["at"] = now.timestamp()  # allauth dated it by the clock of this node
    request.session.modified = True


def date_last(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Set the time of the newest authentication in the session of `user` to `now`, the database's clock.

    allauth made the record of this authentication, and dated it by this node's clock.
    """
    _last_record(request, user)["at"] = now.timestamp()
    request.session.modified = True


def note_passkey(request: HttpRequest, user: User, *, is_shared: bool) -> None:
    """Record that the newest authentication in the session of `user` was by a passkey, and what kind of passkey.

    `is_shared` is True if the user's devices share the key, and False if the key stays in one authenticator.
    """
    _last_record(request, user)[KEY] = SOFTWARE if is_shared else HARDWARE
    request.session.modified = True


def _last_record(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return allauth's newest record of an authentication in this session, such as by a password.

    A caller that changes the record must mark the session as modified.
    """
    records: list[dict[str, Any]] = get_authentication_records(request, user)
    return records[-1]


def leave(request: HttpRequest) -> None:
    """End the browser's session, before a user logs in.

    Stores the session's user and `sid` for `begin`. If the same user logs in, the new session keeps the `sid`. If
    another user logs in, `begin` queues logout messages to the clients of the earlier session.
    """
    user, sid = request.user, request.session.pop(SID, "")
    logout(request)
    if sid:
        request.session[EARLIER] = [user.pk, sid]


@transaction.atomic
def log_out(request: HttpRequest) -> None:
    """End the browser's session, and queue logout messages to its clients in the same transaction."""
    logout(request)  # sends the signal at which `login_events` calls `end`


@transaction.atomic
def end(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Queue logout messages to the clients of this session, and revoke the grants that end with the session.

    The caller deletes the session in the same transaction.
    """
    session_end.end_session(user, sid(request), now=now)


def sid(request: HttpRequest) -> str:
    """Return the `sid` of this session, or "" if an early version of Keyturn created the session without a `sid`."""
    return str(request.session.get(SID, ""))


def _earlier_sid(request: HttpRequest, user: User, *, now: datetime) -> str:
    """Return the `sid` of the browser's earlier session if it was a session of `user`.

    The new session then keeps this `sid`. Returns "" if there was no earlier session, or if it has ended. If the
    earlier session was another user's, ends that session and returns "".
    """
    earlier_user, earlier = request.session.pop(EARLIER, (None, ""))
    if earlier_user == user.pk:
        return "" if session_end.has_ended(earlier) else str(earlier)
    if earlier:
        session_end.end_session(User(pk=earlier_user), earlier, now=now)
    return ""


def epoch(user: User) -> str:
    """Return the user's session epoch as text, or "" if the user has no epoch yet."""
    return str(user.session_epoch or "")


def current(request: HttpRequest) -> Login | None:
    """Return the login of this session, or None if the user has to log in.

    Returns None if the user did not log in through the login page, or if the user's session epoch changed after the
    login.
    """
    # The session that set a new password goes on, but its login does not: the epoch tells them apart.
    if not request.user.is_authenticated or request.session.get(EPOCH, "") != epoch(request.user):
        return None
    records = get_authentication_records(request, request.user)
    if not records:
        return None
    latest = {_method(record): record for record in sorted(records, key=_at)}
    return Login(
        at=datetime.fromtimestamp(min(map(_at, latest.values())), UTC),
        made_for=request.session.get(MADE_FOR, ""),
        acr=authentication_class.of(latest.keys()),
        amr=_amr(latest),
        sid=sid(request),
    )


def _amr(records: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the claim `amr` (RFC 8176) of a login.

    The keys of `records` are the methods of the login, such as `password`. The values are allauth's records.
    """
    names = [name for method in records for name in METHODS.get(method, ())]
    if PASSKEY in records:
        names.append(records[PASSKEY].get(KEY, HARDWARE))
    # A passkey is two factors, because it verifies its user.
    is_mfa = authentication_class.of(records.keys()) not in {"", authentication_class.PASSWORD}
    return _unique([*names, "mfa"] if is_mfa else names)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _method(record: Mapping[str, Any]) -> str:
    """Return the method of a login record of allauth, such as `password` or `totp`."""
    return str(record.get("type") or record["method"])


def _at(record: Mapping[str, Any]) -> float:
    return float(record["at"])
