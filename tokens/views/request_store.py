"""Store an authorization request on the server while its user logs in, and read it back by a short handle.

- Each request is stored in a row of its own, under a session key (tokens/authorize/request_row.py).
- The address contains only the handle. The browser that sent the request has the session key in a cookie, one cookie
  for each request. So a handle opens nothing in another browser, and two tabs that go to the login at the same moment
  have separate rows.
- A request may have at most `MAX_LENGTH` characters. A browser keeps the cookies of at most `MAX_REQUESTS` requests: a
  new request deletes the cookie of the oldest.

Example: the client sends the browser to `/oauth/authorize?client_id=…`. `new_handle` returns `6b0be8be3af5bec2`.
`store` stores the request, and `attach` sets the cookie `issuer_session_6b0be8be3af5bec2`. After the login the browser
reads `/oauth/authorize?continue=6b0be8be3af5bec2`, and `read` returns the request.
"""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest, HttpResponse, QueryDict

from tokens import conf
from tokens.authorize import request_row
from tokens.authorize.request_row import LIFETIME, KeptRequest, NotStored

MAX_LENGTH = 8192
"""The most characters of an authorization request's query, as its client sent it."""
MAX_REQUESTS = 8
PARAMETER = "continue"
HANDLE = re.compile(r"[0-9a-f]{16}")
SESSION_KEY = re.compile(r"[a-z0-9]{32}")
ONLY_HANDLE = re.compile(rf"{PARAMETER}=({HANDLE.pattern})")
"""A query that is only a handle. In a query with further parameters, `continue` is a parameter of the client."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """An authorization request as its client sent it."""

    query: str
    address: str
    """The path and query with which this browser can repeat the request."""
    key: str = field(default="", repr=False)
    """The key of the row that stores the request, or "" if it is not stored."""
    is_pushed: bool = False
    """True if the client pushed the request (RFC 9126)."""
    is_signed: bool = False
    """True if the client signed the request (RFC 9101)."""

    @property
    def is_stored(self) -> bool:
        """Return True if the request is stored in a row.

        In that case `address` has a short handle instead of the request's parameters.
        """
        return bool(self.key)

    def mark_answered(self, *, client_id: str, redirect_uri: str, now: datetime) -> None:
        """Mark the stored request as answered at `now`, the time of the answer to the client.

        If the request is marked already, the first mark stays. Does nothing if the request was never stored in a row
        (`is_stored`). Raises NotStored if it was stored, but the row has been deleted since. Raises AlreadyAnswered if
        the first answer is more than 10 seconds old.
        """
        if self.is_stored:
            request_row.mark_answered(self.key, client_id=client_id, redirect_uri=redirect_uri, now=now)

    @property
    def parameters(self) -> QueryDict:
        """Return the parameters of the query."""
        return parse(self.query)

    @property
    def is_too_long(self) -> bool:
        """Return True if the request is not stored yet and has more than MAX_LENGTH characters."""
        # The query of a stored request was checked before it was stored. It can be longer by the mark of
        # `reauthentication`.
        return len(self.query) > MAX_LENGTH and not self.is_stored


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """An authorization request that is stored as a row of Django's sessions.

    `handle` is in the address. `key` is the key of the row, and is in the browser's cookie.
    """

    handle: str
    key: str = field(repr=False)

    def address(self, path: str) -> str:
        """Return `path` with a query that opens this stored request."""
        return address(path, self.handle)

    def attach(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Set the cookie of this stored authorization request on `response`, and return `response`.

        The cookie's value is the session key of the request's row. If the browser has cookies of more than
        `MAX_REQUESTS` stored requests, deletes those of the oldest ones.
        """
        response.set_cookie(
            _cookie(self.handle),
            self.key,
            max_age=LIFETIME,
            secure=conf.pages().has_secure_cookies,
            httponly=True,
            samesite="Lax",
        )
        # At most MAX_REQUESTS deletions, the oldest first, because more headers might not fit into a proxy's buffers.
        for handle in _handles(request)[: -(MAX_REQUESTS - 1)][:MAX_REQUESTS]:
            response.delete_cookie(_cookie(handle), samesite="Lax")  # Django adds `Secure` to names with `__Host-`
        return response


def new_handle(*, now: datetime) -> str:
    """Return a handle, the short text that stands for a stored request in an address. `now` is the time of storing."""
    # The time orders the handles of a browser. The random part makes handles of the same second different.
    return f"{int(now.timestamp()):08x}{secrets.token_hex(4)}"


def store(request: KeptRequest, handle: str) -> StoredRequest:
    """Store an authorization request in a new row. Return `handle` together with the row's session key.

    `handle` is the short text from `new_handle` that stands for the stored request in addresses.
    """
    return StoredRequest(handle, request_row.create(request))


def address(path: str, handle: str) -> str:
    """Return `path` with a query that opens the request that is stored under `handle`."""
    return f"{path}?{PARAMETER}={handle}"


def opens(request: HttpRequest, handle: str) -> bool:
    """Return True if this browser has a cookie with the session key of the request that is stored under `handle`."""
    return bool(_key(request, f"{PARAMETER}={handle}"))


def read(request: HttpRequest, *, now: datetime) -> SentRequest:
    """Return the authorization request in the URL's query, or the stored request if the query is a handle.

    `now` is the database's clock. Raises NotStored if the handle opens no request in this browser, and AlreadyAnswered
    if the stored request was answered more than 10 seconds ago.
    """
    query = str(request.META.get("QUERY_STRING", ""))
    if not ONLY_HANDLE.fullmatch(query):
        return SentRequest(query, request.get_full_path())
    key = _key(request, query)
    if not key:
        raise NotStored
    kept_request = request_row.read(key, now=now)
    way = {"is_pushed": kept_request.is_pushed, "is_signed": kept_request.is_signed}
    return SentRequest(kept_request.query, request.get_full_path(), key, **way)


def find_query(request: HttpRequest, query: str) -> str | None:
    """Return the query of the authorization request that is stored for this browser under the handle in `query`.

    Returns None if `query` is not a handle, or if the handle opens no request in this browser.
    """
    key = _key(request, query)
    return request_row.find(key) if key else None


def parse(query: str) -> QueryDict:
    """Return the query, parsed as Django parses `request.GET`."""
    return QueryDict(query.encode("latin-1"), encoding="utf-8")  # WSGI decodes the bytes as latin-1 (PEP 3333)


def _handles(request: HttpRequest) -> list[str]:
    """Return the handles of the stored requests for which the browser has cookies, the oldest first."""
    names = (name.removeprefix(_cookie("")) for name in request.COOKIES if name.startswith(_cookie("")))
    return sorted(name for name in names if HANDLE.fullmatch(name))


def _key(request: HttpRequest, query: str) -> str:
    """Return the session key from this browser's cookie for the stored request whose handle is in `query`.

    Returns "" if `query` is not a handle, or if the browser has no such cookie.
    """
    match = ONLY_HANDLE.fullmatch(query)
    key = request.COOKIES.get(_cookie(match[1]), "") if match else ""
    return key if SESSION_KEY.fullmatch(key) else ""  # a cookie can contain a NUL, which PostgreSQL's driver refuses


def _cookie(handle: str) -> str:
    """Return the name of the cookie with the session key of the request that is stored under the handle."""
    return f"{conf.pages().session_cookie}_{handle}"
