"""Who a request says it is from, before anything of it is proven: the name of a counter and of a line in the log."""

import base64
import json
from urllib.parse import unquote_plus

from django.http import HttpRequest

from tokens.clients.assertion import LONGEST

LONGEST_NAME = 256
SECRET = 43  # characters of 256 bits in base64url: no secret of a client is shorter


def claimed_client(request: HttpRequest) -> str:
    """The client that a form request names: in the header, by its client_id, or as the maker of an assertion.

    An assertion for a client (RFC 7523 section 2.2) comes before one that is the grant (section 2.1). Empty where
    nothing is named; never longer than a name may be.
    """
    if (in_header := claimed_in_header(request)) is not None:
        return in_header
    form = request.POST
    named = form.get("client_id") or _maker(form.get("client_assertion")) or _maker(form.get("assertion"))
    return str(named)[:LONGEST_NAME]


def claimed_in_header(request: HttpRequest) -> str | None:
    """The client that a request names in its header; empty where that is no name, None where it names none."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return _basic(credentials)[:LONGEST_NAME] if scheme.lower() == "basic" else None


def told(name: str) -> str:
    """What the log calls who a request says it is from; what is as long as a secret may be one in the wrong place."""
    return f"client:{name if len(name) < SECRET else name[:4] + '…'}"


def _basic(credentials: str) -> str:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except ValueError:
        return ""
    name, colon, _ = decoded.partition(":")
    return unquote_plus(name) if colon else ""  # without one, it may all be a secret


def _maker(assertion: str | None) -> str:
    """The `iss` of a JWT, believed by nobody; empty where it has none."""
    parts = (assertion or "").split(".")
    if len(parts) != 3 or len(parts[1]) > LONGEST:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return ""
    maker = claims.get("iss") if isinstance(claims, dict) else None
    return maker if isinstance(maker, str) else ""
