"""Checks the redirect URIs, logout URIs and origins of a client, and compares identifiers of APIs. Pure.

- A redirect URI is https, http on loopback, or has a private-use scheme with a dot (RFC 8252 section 7).
- An address with a character that RFC 3986 does not permit is refused, because browsers and parsers read such an
  address in different ways.
- A scheme that a browser or an operating system handles itself, such as `javascript:`, is refused.
"""

import re
from urllib.parse import SplitResult, urlsplit

from tokens.languages import gettext_noop

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# The characters of RFC 3986. Browsers and parsers read others, such as backslashes, in different ways.
PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
PRIVATE_USE = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
UNDOTTED = re.compile(r"[a-z][a-z0-9+-]{2,}")
# Schemes that browsers or operating systems handle themselves.
RESERVED = frozenset(
    (
        "about", "android-app", "blob", "callto", "cap", "chrome", "chrome-extension", "cid", "content", "data", "dict",
        "dns", "facetime", "file", "filesystem", "ftp", "ftps", "geo", "git", "gopher", "imap", "intent", "ipp", "irc",
        "itms", "itms-apps", "jar", "javascript", "ldap", "ldaps", "livescript", "mailto", "market", "mid", "mocha",
        "moz-extension", "ms-settings", "news", "nfs", "nntp", "opera", "pop", "resource", "rtsp", "safari-extension",
        "search-ms", "sftp", "shell", "sip", "sips", "sms", "smb", "ssh", "steam", "tel", "telnet", "urn", "vbscript",
        "view-source", "vnc", "ws", "wss", "xmpp",
    )
)  # fmt: skip
EMPTY_PATH = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^/?#]+)/?(\?[^#]*)?")
"""A URI with an authority and an empty path, which is spelled with or without a slash."""
LISTED = re.compile(r",(?:$|[A-Za-z][A-Za-z0-9+.-]*:)")
"""A comma at the end or before a scheme. It shows that the administrator separated addresses by commas."""


def redirect_uri_problem(uri: str, *, undotted: bool = False) -> str | None:
    """Return the problem with `uri` as a redirect URI, or None if there is none.

    Permitted are https, http on loopback, and for native applications a private-use scheme with a dot, such as
    com.example.app:/callback or com.example.app://callback. `undotted` also permits private-use schemes without a dot
    (myapp:), which any other application on the device can claim. See RFC 6749 section 3.1.2, RFC 8252 section 7, and
    RFC 9700 section 2.1.
    """
    parts = _parts(uri)
    if LISTED.search(uri):
        return gettext_noop("holds a comma before another address: separate redirect URIs by blanks or new lines.")
    if parts is None or "*" in uri:
        return gettext_noop("is not an absolute URI without wildcards.")
    if "#" in uri:
        return gettext_noop("must not have a fragment.")
    if "@" in parts.netloc:
        return gettext_noop("must not name a user.")
    if parts.port == 0:
        return gettext_noop("must not name port 0.")
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http":
        return None if parts.hostname in LOOPBACK else gettext_noop("must be https (http on loopback only).")
    return _private_use_problem(uri, parts, undotted=undotted)


def _private_use_problem(uri: str, parts: SplitResult, *, undotted: bool) -> str | None:
    """Return the problem with `uri` as a private-use redirect URI, or None (RFC 8252 section 7.1)."""
    if not uri.startswith(f"{parts.scheme}:/") or not (parts.path or parts.netloc):
        return gettext_noop(
            "must be https, http on loopback, or a private-use scheme such as com.example.app:/callback."
        )
    if PRIVATE_USE.fullmatch(parts.scheme):
        return None
    if parts.scheme in RESERVED or parts.scheme in {"http", "https"} or not UNDOTTED.fullmatch(parts.scheme):
        return gettext_noop(
            "must be https, http on loopback, or a private-use scheme such as com.example.app:/callback."
        )
    if not undotted:
        return gettext_noop(
            "has a scheme without a dot, which other applications can claim: use your domain reversed, such as"
            " com.example.app:/callback, or allow schemes without a dot for this client."
        )
    return None


def logout_uri_problem(uri: str, *, loopback: bool) -> str | None:
    """Return the problem with `uri` as a back-channel logout URI, or None (Back-Channel Logout 1.0 section 2.2).

    `loopback` permits http on loopback, for development.
    """
    parts = _parts(uri)
    if parts is None or "*" in uri or not parts.hostname:
        return gettext_noop("is not an absolute URL without wildcards.")
    if "#" in uri:
        return gettext_noop("must not have a fragment.")
    if "@" in parts.netloc:
        return gettext_noop("must not name a user.")
    if parts.port == 0:
        return gettext_noop("must not name port 0.")
    if parts.scheme == "https" or (loopback and parts.scheme == "http" and parts.hostname in LOOPBACK):
        return None
    return gettext_noop("must be https (http on loopback in development only).")


def origin(uri: str) -> str:
    """Return the origin of an absolute URL, such as `https://app.example`."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def origin_problem(origin: str) -> str | None:
    """Return the problem with `origin` as an origin for CORS, or None if there is none (RFC 6454 section 6.2)."""
    parts = _parts(origin)
    if parts is None or "*" in origin or not parts.hostname or origin != f"{parts.scheme}://{parts.netloc}".lower():
        return gettext_noop("must be an origin in lower case such as https://app.example, without a path.")
    if "@" in parts.netloc:
        return gettext_noop("must not name a user.")
    default = {"https": ":443", "http": ":80"}.get(parts.scheme)
    if default is None or parts.netloc.endswith(default):
        return gettext_noop("must be http or https, without its default port.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return gettext_noop("must be https (http on loopback only).")
    return None


def spellings(uri: str) -> frozenset[str]:
    """Return the equivalent spellings of `uri`: with and without the final slash if the path is empty, else only `uri`.

    `https://api.example` and `https://api.example/` are the same URI (RFC 3986 section 6.2.3). The paths `/v1` and
    `/v1/` differ.
    """
    match = EMPTY_PATH.fullmatch(uri)
    if match is None:
        return frozenset({uri})
    origin, query = match.groups(default="")
    return frozenset({origin + query, f"{origin}/{query}"})


def _parts(uri: str) -> SplitResult | None:
    if not PLAIN.fullmatch(uri):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme else None
