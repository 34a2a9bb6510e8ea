"""The address of a revocation feed, and the bounded HTTP requests that read the feed's documents."""

from collections.abc import Callable
from dataclasses import dataclass
from http.client import NOT_MODIFIED
from urllib.parse import urlencode, urlsplit

from ..outbound import fetch
from ..outbound.fetch import Bounds
from ..revocations.revocation_set import ENTRY
from .feed_source import Answer
from .revocation_feed import MAX_DOCUMENT, MAX_SEGMENT

DEFAULT_RING = "default"
"""The ring whose feed is `/oauth/revocations`."""


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """The revocation feed of an issuer for one ring (a set of signing keys with a JWKS).

    Implements `feed_source.Source`. A request fails after `deadline` seconds. `clock` returns monotonic seconds.
    """

    url: str
    clock: Callable[[], float]
    deadline: float
    allow_http: bool = False

    @property
    def ring(self) -> str:
        """Return the name of the ring (set of signing keys) in `url`, or "default" if `url` names no ring."""
        return urlsplit(self.url).path.partition("/oauth/revocations/")[2] or DEFAULT_RING

    def poll(self, *, since: str, conditional: bool) -> Answer:
        """Fetch the entries that were published after the version `since`, or all entries if `since` is "".

        If `conditional` is True, the issuer may answer 304 if there are no changes. Raises FetchError if the request
        fails.
        """
        query = f"?{urlencode({'since': since})}" if since else ""
        etag = f'W/"{since}"' if conditional else ""
        response = self._get(f"{self.url}{query}", etag=etag, max_bytes=MAX_DOCUMENT)
        return Answer(None if response.status == NOT_MODIFIED else response.body)

    def segment(self, digest: str) -> bytes:
        """Fetch the segment of the feed with this digest (SHA-256 in base64url).

        Raises FetchError if the request fails.
        """
        return self._get(f"{self.url}/segments/{digest}", max_bytes=ENTRY * MAX_SEGMENT).body

    def _get(self, url: str, *, max_bytes: int, etag: str = "") -> fetch.Response:
        bounds = Bounds(self.clock() + self.deadline, self.clock, self.allow_http, max_bytes)
        return fetch.get(url, bounds, etag=etag, forced=bool(etag))
