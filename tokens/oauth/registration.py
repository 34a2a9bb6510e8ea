"""Which addresses a client may be registered with: redirect URIs and origins. Pure.

Every rule is about what a browser or an attacker could make of the address later; what is not understood is refused.
"""

import re
from urllib.parse import SplitResult, urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# The characters of RFC 3986, and none of those that browsers and parsers read in different ways.
PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
PRIVATE_USE = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")


def redirect_uri_problem(uri: str) -> str | None:
    """What is wrong with `uri` as a redirect URI, or None (RFC 6749 section 3.1.2, RFC 8252 section 7, RFC 9700 2.1).

    https; http on loopback only; for native applications a private-use scheme with a dot (com.example.app:/callback).
    """
    parts = _parts(uri)
    if parts is None or "*" in uri:
        return "is not an absolute URI without wildcards."
    if "#" in uri:
        return "must not have a fragment."
    if "@" in parts.netloc:
        return "must not name a user."
    if parts.port == 0:
        return "must not name port 0."
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http":
        return None if parts.hostname in LOOPBACK else "must be https (http on loopback only)."
    if PRIVATE_USE.fullmatch(parts.scheme) and not parts.netloc and parts.path.startswith("/"):
        return None
    return "must be https, http on loopback, or a private-use scheme such as com.example.app:/callback."


def origin_problem(origin: str) -> str | None:
    """What is wrong with `origin` as a web origin that may read our answers, or None (RFC 6454 section 6.2)."""
    parts = _parts(origin)
    if parts is None or "*" in origin or not parts.hostname or origin != f"{parts.scheme}://{parts.netloc}".lower():
        return "must be an origin in lower case such as https://app.example, without a path."
    if "@" in parts.netloc:
        return "must not name a user."
    default = {"https": ":443", "http": ":80"}.get(parts.scheme)
    if default is None or parts.netloc.endswith(default):
        return "must be http or https, without its default port."
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return "must be https (http on loopback only)."
    return None


def _parts(uri: str) -> SplitResult | None:
    if not PLAIN.fullmatch(uri):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme else None
