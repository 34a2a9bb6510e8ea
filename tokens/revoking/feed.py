"""Signs and caches documents of the revocation feed (docs/revocation-feed.md section 2).

- A document is built once for each version, ring and `since`, and signed again when half of its time has passed.
- One thread builds at a time. A request that is answered from the cache, or with 304, never waits for it.
- A process keeps at most KEPT bytes of documents, the most recently requested, and no other entries.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tokens import conf
from tokens.issued import jws
from tokens.keys.key_pair import Signer
from tokens.revoking.feed_log import Changes, Version

TYPE = "revocation-feed+jwt"
MEDIA_TYPE = f"application/{TYPE}"
HOLDS = timedelta(minutes=10)
KEPT = 8 * 1024 * 1024

Asked = tuple[str, Version | None]
"""The ring, and the version that the reader has."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a cached document must match: this version, signed by this key."""

    version: Version
    kid: str


@dataclass(frozen=True, slots=True)
class Document:
    """A signed document."""

    made: Wanted
    renew_at: datetime
    """When to sign it again: half of its lifetime before it ends."""
    body: bytes


class Documents:
    """The latest documents of this process."""

    def __init__(self, *, most: int = KEPT) -> None:
        self._kept: OrderedDict[Asked, Document] = OrderedDict()
        self._most, self._size = most, 0
        self._lock, self._building = threading.Lock(), threading.Lock()

    def find(self, asked: Asked, wanted: Wanted, *, now: datetime) -> Document | None:
        """Return the document if it is kept and need not be signed again."""
        with self._lock:
            found = self._kept.get(asked)
            if found is None or found.made != wanted or found.renew_at <= now:
                return None
            self._kept.move_to_end(asked)
            return found

    def get(
        self, asked: Asked, wanted: Wanted, *, now: datetime, build: Callable[[], Document | None]
    ) -> Document | None:
        """Return the document; one thread builds it if it is not kept. Returns None if `build` does."""
        with self._building:
            if found := self.find(asked, wanted, now=now):
                return found
            document = build()
            if document:
                self._keep(asked, document)
        return document

    def forget(self) -> None:
        """Drop every document."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def _keep(self, asked: Asked, document: Document) -> None:
        with self._lock:
            if replaced := self._kept.pop(asked, None):
                self._size -= len(replaced.body)
            self._kept[asked] = document
            self._size += len(document.body)
            while self._size > self._most and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped.body)


def sign(changes: Changes, asked: Asked, *, more: bool, signer: Signer, now: datetime) -> Document:
    """Return the signed document. It is valid for ten minutes from `now`, and not longer than a token of its key."""
    ring, since = asked
    holds = min(HOLDS, signer.max_lifetime)
    claims: dict[str, object] = {
        "iss": conf.issuer().url,
        "iat": int(now.timestamp()),
        "exp": int((now + holds).timestamp()),
        "ring": ring,
        "version": str(changes.version),
        "entries": jws.encode(changes.entries).decode(),
    }
    claims |= {"since": str(since)} if since else {}
    claims |= {"segments": list(changes.segments)} if changes.segments else {}
    claims |= {"more": True} if more else {}
    body = jws.sign(claims, typ=TYPE, signer=signer).encode()
    return Document(Wanted(changes.version, signer.kid), now + holds / 2, body)


documents = Documents()
"""The documents of this process, for its lifetime."""
