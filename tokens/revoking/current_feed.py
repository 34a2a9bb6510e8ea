"""Answers one request for the revocation feed: publishes waiting revocations, and returns a signed document.

1. `current` publishes a bounded number of waiting revocations. It also chooses the key that signs the document, for the
   key ring that the request names.
2. If the reader has the current version already, the caller answers 304, even if no key can sign.
3. `CurrentFeed.require_signer` raises NotReady if no key can sign.
4. `CurrentFeed.document` returns the signed document, from the cache of this process or newly built.

The caller counts the request against the rate limit between the third step and the fourth.
"""

from dataclasses import dataclass
from datetime import datetime

from tokens.keys import keyring, store
from tokens.keys.errors import NotReady
from tokens.keys.key_pair import Signer
from tokens.revoking import feed, feed_log, feed_publisher
from tokens.revoking.feed import Document, Edition, documents
from tokens.revoking.feed_log import Head, Version


@dataclass(frozen=True, slots=True)
class CurrentFeed:
    """The current version of the feed, and the key that signs the feed's documents for the readers of one key ring."""

    ring: str
    head: Head
    signer: Signer | NotReady
    """The key, or why no key can sign."""
    read_at: datetime | None
    """The database's clock, or None if this request has not read that clock."""

    @property
    def version(self) -> Version:
        """Return the current version."""
        return self.head.version

    def require_signer(self) -> Signer:
        """Return the key that signs. Raises NotReady if no key can sign."""
        if isinstance(self.signer, NotReady):
            raise self.signer
        return self.signer

    def document(self, since: Version | None, *, node_time: datetime) -> Document:
        """Return a signed document: the changes after the version `since`, or the full state of the feed.

        The document has the full state if `since` is None, or if the log does not have `since`. `node_time` is this
        node's clock. Raises NotReady if no key can sign, or if the PKCS#11 token does not answer.
        """
        signer = self.require_signer()
        edition, position = Edition(self.version, signer.kid), (self.ring, since)
        if cached := documents.find(position, edition, now=node_time):
            return cached

        def build() -> Document | None:
            # A document is dated by the database's own clock. The estimates of nodes differ by milliseconds, and a
            # reader refuses a document that is older than the last one that it read.
            at = self.read_at or store.database_now()
            changes = feed_log.changes_to(self.head, since, now=at)
            more = self.head.has_waiting
            return feed.sign(changes, position, more=more, signer=signer, now=at) if changes else None

        document = documents.get(position, edition, now=node_time, build=build)
        # `document` is None if the log does not have the reader's version.
        return document or self.document(None, node_time=node_time)


def current(ring: str, *, node_time: datetime) -> CurrentFeed:
    """Publish a bounded number of waiting revocations, and return the feed's current state for the key ring `ring`.

    `node_time` is this node's clock. Raises UnknownKey if there is no such key ring.
    """
    head = feed_log.head()
    read_at = head.waiting_at
    if read_at:  # revocations wait for a version: the first reader publishes a bounded number of them
        head = feed_publisher.publish(now=read_at)
    signer: Signer | NotReady
    try:
        signer = keyring.for_readers(ring, now=keyring.carried_clock(now=node_time)).signer
    except NotReady as error:
        signer = error
    return CurrentFeed(ring, head, signer, read_at)
