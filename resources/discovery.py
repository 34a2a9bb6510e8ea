"""From an issuer's URL to its JWKS: metadata found as RFC 8414 says, believed only if it names the issuer exactly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import NOT_MODIFIED
from typing import Any
from urllib.parse import urlencode, urlsplit

from resources import fetch, strict_json
from resources.feed_follower import Answer
from resources.fetch import FetchError
from resources.jwk import Verdict, judge_all
from resources.keyset import Fetched
from resources.revocation_feed import MAX_DOCUMENT, MAX_SEGMENT
from resources.revocation_set import ENTRY
from resources.strict_json import Repeated

LONGEST_SHOWN = 200  # characters of a foreign issuer's name in a message
DEFAULT_RING = "default"
"""The ring whose feed is `/oauth/revocations`."""


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Where an issuer's metadata may be, in order (RFC 8414 section 3.1 and 5, OpenID Connect Discovery section 4)."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    found = (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/openid-configuration{path}",
    )
    return tuple(dict.fromkeys(found))


@dataclass(slots=True)
class Discovery:
    """An issuer's metadata and JWKS over the network; metadata is remembered until a fetch of keys fails."""

    issuer: str
    algorithms: frozenset[str]
    clock: Callable[[], float]
    deadline: float
    allow_http: bool = False
    jwks_url: str = ""
    """The pinned address of the JWKS, or "" to ask the metadata."""
    _metadata: Mapping[str, Any] | None = None

    def __call__(self, *, etag: str, forced: bool) -> Fetched:
        """Fetch the JWKS, all within one deadline. Raises FetchError."""
        until = self.clock() + self.deadline
        try:
            response = fetch.get(
                self.jwks_url or self.address("jwks_uri", until=until),
                deadline=until - self.clock(),
                clock=self.clock,
                etag=etag,
                forced=forced,
                allow_http=self.allow_http,
            )
            verdicts = None if response.status == 304 else read_jwks(response.body, algorithms=self.algorithms)
        except ValueError as error:
            self._metadata = None
            raise FetchError(str(error)) from error
        except FetchError:
            self._metadata = None
            raise
        return Fetched(verdicts, response.etag, response.max_age)

    def address(self, name: str, *, until: float) -> str:
        """The metadata's URL called `name` ("introspection_endpoint"), had before `until`. Raises FetchError."""
        if self._metadata is None:
            self._metadata = self._discover(until)
        url = self._metadata.get(name)
        if not isinstance(url, str) or not fetch.is_allowed(url, allow_http=self.allow_http):
            raise FetchError(f"the issuer's metadata has no usable {name}")
        return url

    def resources(self, *, until: float) -> tuple[str, ...]:
        """Return the resource identifiers that the metadata lists (RFC 9728 section 4); give up at `until`.

        Raises FetchError.
        """
        if self._metadata is None:
            self._metadata = self._discover(until)
        listed = self._metadata.get("protected_resources")
        return tuple(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()

    def _discover(self, until: float) -> Mapping[str, Any]:
        problem = FetchError("no metadata")
        for url in metadata_urls(self.issuer):
            try:
                response = fetch.get(url, deadline=until - self.clock(), clock=self.clock, allow_http=self.allow_http)
                return read_metadata(response.body, issuer=self.issuer)
            except FetchError as error:
                problem = error
        raise problem


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """The address of an issuer's revocation feed, for one ring."""

    url: str
    clock: Callable[[], float]
    deadline: float
    allow_http: bool = False

    @property
    def ring(self) -> str:
        """Return the ring that the address names, "default" for the issuer's own feed."""
        return urlsplit(self.url).path.partition("/oauth/revocations/")[2] or DEFAULT_RING

    def poll(self, *, since: str, conditional: bool) -> Answer:
        """Fetch the document with what was published after `since`. Raises FetchError."""
        query = f"?{urlencode({'since': since})}" if since else ""
        etag = f'W/"{since}"' if conditional else ""
        response = self._get(f"{self.url}{query}", etag=etag, max_bytes=MAX_DOCUMENT)
        return Answer(None if response.status == NOT_MODIFIED else response.body)

    def segment(self, digest: str) -> bytes:
        """Fetch a segment of the feed. Raises FetchError."""
        return self._get(f"{self.url}/segments/{digest}", max_bytes=ENTRY * MAX_SEGMENT).body

    def _get(self, url: str, *, max_bytes: int, etag: str = "") -> fetch.Response:
        return fetch.get(
            url,
            deadline=self.deadline,
            clock=self.clock,
            etag=etag,
            forced=bool(etag),
            allow_http=self.allow_http,
            max_bytes=max_bytes,
        )


def read_metadata(body: bytes, *, issuer: str) -> Mapping[str, Any]:
    """An authorization server's metadata, if it is `issuer`'s own (RFC 8414 section 3.3). Raises FetchError."""
    try:
        document = strict_json.parse(body)
    except ValueError as error:
        raise FetchError("the metadata is not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("issuer"), str):
        raise FetchError("the metadata names no issuer")
    if document["issuer"] != issuer:
        raise FetchError(_mismatch(document["issuer"], issuer))
    return document


def _mismatch(found: str, issuer: str) -> str:
    """Return the error for metadata that names the issuer `found`. Both URLs are public, so it repeats them."""
    hint = "; they differ by the slash at the end" if found.rstrip("/") == issuer.rstrip("/") else ""
    return f"the metadata names the issuer {found[:LONGEST_SHOWN]!r}, the settings name {issuer!r}{hint}"


def read_jwks(body: bytes, *, algorithms: frozenset[str]) -> list[Verdict]:
    """A verdict for each key of a JWKS document (RFC 7517 section 5). Raises ValueError when it is none."""
    document = strict_json.parse_leniently(body)
    if not isinstance(document, dict) or isinstance(document, Repeated) or not isinstance(document.get("keys"), list):
        raise ValueError("the answer is not a JWKS")  # noqa: TRY004 (the document is wrong, not a type)
    return judge_all(document["keys"], algorithms=algorithms)
