"""The URI of a request, as the `htu` of a DPoP proof names it (RFC 9449 section 4.3). Pure.

Two URIs have the same target if they are equal after syntax-based and scheme-based normalization (RFC 3986 sections
6.2.2 and 6.2.3), without query and fragment. Paths are decoded before they are compared, because a WSGI server decodes
the path of a request. So `%2F` and `/` cannot be distinguished.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

MAX_URI = 4096  # characters
PORTS = {"http": 80, "https": 443}
MAX_PORT = 65535

# RFC 3986 appendix A, without a user before the host.
_URI = re.compile(
    r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{0,5}))?"
    r"(/(?:[a-z0-9._~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*)?(?:[?#][\x21-\x7e]*)?",
    re.IGNORECASE,
)


class Target(NamedTuple):
    """A normalized URI without query and fragment. `path` is decoded."""

    scheme: str
    host: str
    port: int
    path: str

    def below(self, path: str) -> "Target":
        """Return a target with `path` appended to the path of this target.

        `path` is decoded, as Django's `request.path` is.
        """
        return Target(self.scheme, self.host, self.port, without_dots(self.path.rstrip("/") + path))


@lru_cache(maxsize=1024)  # of at most 8 KB each: the proofs for a resource name the same URI
def target(uri: str) -> Target | None:
    """Return the normalized target of `uri`.

    Returns None if `uri` is malformed, is not an http or https URI, or has a user name.
    """
    match = _URI.fullmatch(uri) if len(uri) <= MAX_URI else None
    if match is None:
        return None
    scheme, host, port, path = match.groups()
    scheme = scheme.lower()
    number = int(port) if port else PORTS[scheme]
    path = path or "/"
    if number > MAX_PORT:
        return None
    if "%" in path:
        try:
            path = unquote(path, errors="strict")
        except UnicodeDecodeError:
            return None
    return Target(scheme, host.lower(), number, without_dots(path))


def without_dots(path: str) -> str:
    """Return an absolute path without the segments `.` and `..` (RFC 3986 section 5.2.4)."""
    if "/." not in path:
        return path
    segments: list[str] = []
    *inner, last = path.split("/")[1:]
    for segment in (*inner, last):
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    if last in {".", ".."}:
        segments.append("")
    return "/" + "/".join(segments)
