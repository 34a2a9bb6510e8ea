"""Discovery of an issuer's JWKS and endpoints through its metadata (RFC 8414).

- Metadata is used only if its `issuer` is exactly the configured issuer (RFC 8414 section 3.3).
- Metadata is cached until a fetch of keys fails, so that an issuer can move its JWKS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..jose import strict_json
from ..jose.jwk import read_jwks
from ..outbound import fetch
from ..outbound.fetch import Bounds, FetchError
from .keyset import Fetched

MAX_QUOTED = 200  # characters of another issuer's URL in a message


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Return the URLs at which an issuer's metadata can be, in the order in which to try them.

    See RFC 8414 sections 3.1 and 5, and OpenID Connect Discovery section 4.
    """
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    candidates = (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/openid-configuration{path}",
    )
    return tuple(dict.fromkeys(candidates))  # if the issuer has no path, two candidates are the same


@dataclass(slots=True)
class Discovery:
    """A fetcher of an issuer's metadata and JWKS. Both fetches together may take at most `deadline` seconds.

    `clock` returns monotonic seconds.
    """

    issuer: str
    algorithms: frozenset[str]
    clock: Callable[[], float]
    deadline: float
    allow_http: bool = False
    jwks_url: str = ""
    """The configured address of the JWKS, or "" to use the one in the metadata."""
    _metadata: Mapping[str, Any] | None = None

    def __call__(self, *, etag: str, forced: bool) -> Fetched:
        """Fetch the issuer's JWKS.

        If the JWKS still has the entity tag `etag`, `verdicts` of the result is None. If `forced` is True, HTTP caches
        have to revalidate their copy. Metadata and JWKS share one deadline.

        Raises FetchError if a request fails, or if the metadata or the JWKS is invalid.
        """
        until = self.clock() + self.deadline
        try:
            address = self.jwks_url or self.address("jwks_uri", until=until)
            response = fetch.get(address, self._bounds(until), etag=etag, forced=forced)
            verdicts = None if response.status == 304 else read_jwks(response.body, algorithms=self.algorithms)
        except ValueError as error:
            self._metadata = None
            raise FetchError(str(error)) from error
        except FetchError:
            self._metadata = None
            raise
        return Fetched(verdicts, response.etag, response.max_age)

    def address(self, name: str, *, until: float) -> str:
        """Return the URL under `name` in the metadata, for example "introspection_endpoint".

        Give up at `until`, in seconds of `clock`. Raises FetchError if the metadata cannot be fetched, or if it has no
        URL under `name` that a request may use.
        """
        if self._metadata is None:
            self._metadata = self._discover(until)
        url = self._metadata.get(name)
        if not isinstance(url, str) or not fetch.is_allowed(url, allow_http=self.allow_http):
            raise FetchError(f"the issuer's metadata has no usable {name}")
        return url

    def resources(self, *, until: float) -> tuple[str, ...]:
        """Return the resource identifiers that the metadata lists (RFC 9728 section 4).

        Give up at `until`, in seconds of `clock`. Raises FetchError if the metadata cannot be fetched.
        """
        if self._metadata is None:
            self._metadata = self._discover(until)
        listed = self._metadata.get("protected_resources")
        return tuple(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()

    def _discover(self, until: float) -> Mapping[str, Any]:
        problem = FetchError("no metadata")
        for url in metadata_urls(self.issuer):
            try:
                response = fetch.get(url, self._bounds(until))
                return read_metadata(response.body, issuer=self.issuer)
            except FetchError as error:
                problem = error
        raise problem

    def _bounds(self, until: float) -> Bounds:
        return Bounds(until, self.clock, self.allow_http)


def read_metadata(body: bytes, *, issuer: str) -> Mapping[str, Any]:
    """Return the metadata in `body`. Raises FetchError if `body` is malformed or names another issuer than `issuer`.

    See RFC 8414 section 3.3.
    """
    try:
        document = strict_json.parse(body)
    except ValueError as error:
        raise FetchError("the metadata is not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("issuer"), str):
        raise FetchError("the metadata names no issuer")
    if document["issuer"] != issuer:
        raise FetchError(_mismatch(document["issuer"], issuer))
    return document


def _mismatch(published: str, issuer: str) -> str:
    """Return the error text for metadata that names the issuer `published` instead of `issuer`."""
    # Both URLs are public, so the text may repeat them.
    hint = "; they differ by the slash at the end" if published.rstrip("/") == issuer.rstrip("/") else ""
    return f"the metadata names the issuer {published[:MAX_QUOTED]!r}, the settings name {issuer!r}{hint}"
