"""Signs and caches documents of the revocation feed (docs/revocation-feed.md section 2).

- A reader asks for the changes after a version (`since`), signed by a key of one key ring, which is a set of signing
  keys.
- A document is built once for each version, key ring and `since`, and again after half of its lifetime.
- One thread builds at a time (single-flight). A request that is answered from the cache, or with 304, never waits.
- A process caches at most MAX_BYTES of the most recently requested documents, and nothing else of the feed.
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
LIFETIME = timedelta(minutes=10)
MAX_BYTES = 8 * 1024 * 1024

DocumentKey = tuple[str, Version | None]
"""The request of a reader: the key ring, and the version after which it needs entries. None: the full state."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A version of the revocation log, and the key that signs the documents of this version.

    A cached document is stale if its edition is not the current one.
    """

    version: Version
    kid: str


@dataclass(frozen=True, slots=True)
class Document:
    """A signed document of the feed, as this process caches it."""

    edition: Edition
    renew_at: datetime
    """The instant from which the document must be built again: half of its lifetime has passed."""
    body: bytes


class Documents:
    """A cache of signed documents of the feed. If it is full, it drops the least recently requested documents."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._cache: OrderedDict[DocumentKey, Document] = OrderedDict()
        self._max_bytes, self._size = max_bytes, 0
        # `_lock` guards the cache and is held briefly. `_building` is held while a document is built and signed.
        self._lock, self._building = threading.Lock(), threading.Lock()

    def find(self, key: DocumentKey, edition: Edition, *, now: datetime) -> Document | None:
        """Return the cached document for `key`, the key ring and the version that a reader named in its request.

        Returns None if there is no cached document, if the document must be renewed at `now`, or if the log version or
        the signing key of the document is not that of `edition`.
        """
        with self._lock:
            document = self._cache.get(key)
            if document is None or document.edition != edition or document.renew_at <= now:
                return None
            self._cache.move_to_end(key)
            return document

    def get(
        self, key: DocumentKey, edition: Edition, *, now: datetime, build: Callable[[], Document | None]
    ) -> Document | None:
        """Return the cached document for `key`, or else build, cache and return a new one.

        Does not use a cached document that must be renewed at `now`, or whose log version or signing key is not that of
        `edition`. If `build` returns None, returns None and caches nothing. If another thread is building a document,
        waits for that thread first.
        """
        with self._building:
            # Another thread can have built the document while this thread waited.
            if cached := self.find(key, edition, now=now):
                return cached
            document = build()
            if document:
                self._add(key, document)
        return document

    def forget(self) -> None:
        """Delete every cached document."""
        with self._lock:
            self._cache.clear()
            self._size = 0

    def _add(self, key: DocumentKey, document: Document) -> None:
        """Put the document into the cache, and drop the least recently requested documents beyond `max_bytes`."""
        with self._lock:
            if replaced := self._cache.pop(key, None):
                self._size -= len(replaced.body)
            self._cache[key] = document
            self._size += len(document.body)
            # A document that alone is too large stays in the cache. Otherwise every request would build it again.
            while self._size > self._max_bytes and len(self._cache) > 1:
                _, dropped = self._cache.popitem(last=False)
                self._size -= len(dropped.body)


def sign(changes: Changes, key: DocumentKey, *, more: bool, signer: Signer, now: datetime) -> Document:
    """Return the document with these changes, signed by `signer`.

    `key` is the key ring and the version that the reader named in its request. The document is valid for LIFETIME, or
    for `signer.max_lifetime` if that is shorter. `more` is True if entries still wait for publication, so that the
    reader must poll again at once.
    """
    ring, since = key
    lifetime = min(LIFETIME, signer.max_lifetime)
    claims: dict[str, object] = {
        "iss": conf.issuer().url,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "ring": ring,
        "version": str(changes.version),
        "entries": jws.encode(changes.entries).decode(),
    }
    claims |= {"since": str(since)} if since else {}
    claims |= {"segments": list(changes.segments)} if changes.segments else {}
    claims |= {"more": True} if more else {}
    body = jws.sign(claims, typ=TYPE, signer=signer).encode()
    return Document(Edition(changes.version, signer.kid), now + lifetime / 2, body)


documents = Documents()
"""The documents that this process has cached. Lives as long as the process."""
