"""Screen the header list of a request, before WSGI maps different spellings of a name to one.

- WSGI gives `X-Forwarded-For` and `X_Forwarded_For` the same name. A proxy that sets the first can pass on the second
  from the client. So a request is refused if a header with an underscore imitates a header of a proxy in this way. Any
  other header with an underscore in its name is dropped.
- If there is a proxy, a request is refused if X-Forwarded-Proto has more than one value.
"""

from collections.abc import Iterable

from project.front.refusals import Refused

Raw = Iterable[tuple[bytes, bytes]]

FORWARDED = frozenset({"forwarded", "x-real-ip"})
FORWARDED_PREFIX = "x-forwarded-"
SCHEME = "x-forwarded-proto"
IMITATED = (
    "A header name with an underscore imitates a header of the proxy. Remove such headers at the proxy; "
    "docs/proxies.md shows how."
)
TWICE = "X-Forwarded-Proto was sent twice. The proxy must replace it, not add to it; docs/proxies.md shows how."


def screened(raw: Raw, *, behind_proxy: bool) -> dict[str, str]:
    """Return the headers by name in lower case. Lines with the same name are joined (RFC 9110 section 5.3).

    Headers whose name has an underscore are dropped. Raises Refused if such a header imitates a header that a proxy
    sets, or if the proxy's X-Forwarded-Proto has more than one value.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if "_" in name:
            _refuse_imitation(name)
        elif name in headers:
            # RFC 6265 section 5.4: cookies are joined by a semicolon
            headers[name] += ("; " if name == "cookie" else ",") + value
        else:
            headers[name] = value
    if behind_proxy and "," in headers.get(SCHEME, ""):
        raise Refused(400, "invalid_request", TWICE)
    return headers


def _refuse_imitation(name: str) -> None:
    imitated = name.replace("_", "-")
    if imitated in FORWARDED or imitated.startswith(FORWARDED_PREFIX):
        raise Refused(400, "invalid_request", IMITATED)
