"""Keep an authorization request on the server while its user logs in, and read it back by a short handle.

- Each request has a session row of its own. No login, logout or other tab changes that row.
- The address carries the handle. The key of the row is in a separate cookie of the browser that sent the request. So a
  handle opens nothing in another browser, and tabs that are sent to the login at the same moment keep a row each.
- A handle ends when the client gets its answer, a code or an error. The row then says whose request it was. Of two tabs
  that answer at once, one ends it, under the lock of the row.
- A request may have `LONGEST` characters. A browser keeps `MOST` requests; one more drops the oldest.
- A row expires after `LIFETIME`; `manage.py purge_tokens` removes it.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict

LONGEST = 8192
"""Characters of an authorization request's query, as its client sent it."""
MOST = 8
LIFETIME = timedelta(hours=2)
PARAMETER = "continue"
QUERY = "authorization_request"
ANSWERED = "authorization_answered"
HANDLE = re.compile(r"[0-9a-f]{16}")
ALONE = re.compile(rf"{PARAMETER}=({HANDLE.pattern})")
"""A handle is the whole query. A client's own parameter of that name comes with others, and is ignored."""


class NotKept(Exception):
    """No request is kept under the handle in this browser: it expired, was dropped, or another browser sent it."""


class Answered(Exception):
    """The request under the handle was answered already."""

    def __init__(self, client_id: str, redirect_uri: str) -> None:
        super().__init__(f"{client_id} got its answer")
        self.client_id = client_id
        self.redirect_uri = redirect_uri


@dataclass(frozen=True, slots=True)
class Sent:
    """An authorization request as its client sent it."""

    query: str
    address: str
    """Path and query with which this browser can send the request again."""
    key: str = ""
    """The key of the row that keeps it, if one does."""

    @property
    def is_kept(self) -> bool:
        """True if the request is in a row, and its address has only a handle."""
        return bool(self.key)

    @property
    def parameters(self) -> QueryDict:
        """Return the query, parsed."""
        return parsed(self.query)

    @property
    def is_too_long(self) -> bool:
        """True if the request exceeds the documented limit."""
        return len(self.query) > LONGEST and not self.is_kept  # a kept one was checked before


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept request: the handle for the address, and the key of its row for the cookie."""

    handle: str
    key: str

    def address(self, path: str) -> str:
        """Return the address at `path` that continues with the request."""
        return f"{path}?{PARAMETER}={self.handle}"

    def attach(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Give the browser the key, and drop the cookies of its oldest requests beyond `MOST`."""
        response.set_cookie(
            _cookie(self.handle),
            self.key,
            max_age=LIFETIME,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        # At most MOST deletions, the oldest first: many headers would not fit into the buffers of a proxy.
        for handle in _handles(request)[: -(MOST - 1)][:MOST]:
            response.delete_cookie(_cookie(handle), samesite="Lax")
            if settings.SESSION_COOKIE_SECURE:  # browsers accept a `__Host-` cookie, and its deletion, only with it
                response.cookies[_cookie(handle)]["secure"] = True
        return response


def keep(query: str, *, now: datetime) -> Kept:
    """Store the query of an authorization request in a session row of its own."""
    row = _row(None)
    row[QUERY] = query
    row.set_expiry(int(LIFETIME.total_seconds()))
    row.create()
    return Kept(f"{int(now.timestamp()):08x}{secrets.token_hex(4)}", str(row.session_key))


def sent(request: HttpRequest) -> Sent:
    """Return the authorization request in the address, or the one kept under its handle. Raises NotKept, Answered."""
    query = str(request.META.get("QUERY_STRING", ""))
    if not ALONE.fullmatch(query):
        return Sent(query, request.get_full_path())
    key = _key(request, query)
    row = _row(key) if key else {}
    if ANSWERED in row:
        raise Answered(*row[ANSWERED])
    if QUERY not in row:
        raise NotKept
    return Sent(row[QUERY], request.get_full_path(), key)


def find(request: HttpRequest, query: str) -> str | None:
    """Return the authorization request that the query of an address continues with in this browser, or None."""
    key = _key(request, query)
    kept = _row(key).get(QUERY) if key else None
    return kept if isinstance(kept, str) else None


def end(request: Sent, *, client_id: str, redirect_uri: str) -> None:
    """End the handle of a request whose client gets its answer now. Call it in the transaction that makes the answer.

    Does nothing if the request has no handle. Raises Answered if it was answered meanwhile, NotKept if its row is gone.
    """
    if not request.is_kept:
        return
    with transaction.atomic():
        locked = Session.objects.select_for_update().filter(pk=request.key).first()
        content = locked.get_decoded() if locked else {}
        if ANSWERED in content:
            raise Answered(*content[ANSWERED])
        if locked is None or QUERY not in content:
            raise NotKept
        locked.session_data = Session.objects.encode({ANSWERED: [client_id, redirect_uri]})
        locked.save(update_fields=["session_data"])


def parsed(query: str) -> QueryDict:
    """Return the query as Django parses `request.GET`: WSGI hands its bytes over as latin-1 (PEP 3333)."""
    return QueryDict(query.encode("latin-1"), encoding="utf-8")


def _handles(request: HttpRequest) -> list[str]:
    """Return the handles that the browser has cookies for, oldest first: a handle begins with its time."""
    names = (name.removeprefix(_cookie("")) for name in request.COOKIES if name.startswith(_cookie("")))
    return sorted(name for name in names if HANDLE.fullmatch(name))


def _key(request: HttpRequest, query: str) -> str:
    """Return the key that this browser has for the handle in the query, or ""."""
    named = ALONE.fullmatch(query)
    return request.COOKIES.get(_cookie(named[1]), "") if named else ""


def _cookie(handle: str) -> str:
    return f"{settings.SESSION_COOKIE_NAME}_{handle}"


def _row(key: str | None) -> SessionBase:
    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return store
