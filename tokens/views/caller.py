"""Finds the client that a request names, before anything is verified, for rate limits and the audit log."""

from collections.abc import Mapping

from django.http import HttpRequest

from tokens import parameters
from tokens.clients.assertion import LONGEST
from tokens.clients.authentication import Credentials, read
from tokens.jose import compact

LONGEST_NAME = 256
"""Characters of a client's name in a log or a counter."""
PARAMETERS = parameters.CLIENT | {"assertion"}
ADDRESS = "https://"  # how the client_id of a client with a metadata document begins, and no secret
SECRET = 43  # characters of 256 bits in base64url: no secret of a client is shorter


def claimed_client(request: HttpRequest) -> str:
    """Return the client that a form request names, in its header, by client_id, or as the issuer of an assertion.

    Returns an empty string if the request names none.
    """
    form = dict(parameters.present(request.POST, PARAMETERS))
    return claimed(read(request.headers.get("Authorization"), form), form)


def claimed_in_header(request: HttpRequest) -> str:
    """Return the client that the header names, or an empty string. Does not read the body."""
    return claimed(read(request.headers.get("Authorization"), {}), {})


def claimed(credentials: Credentials, form: Mapping[str, str]) -> str:
    """Return the client that credentials and form name, or an empty string."""
    # An assertion that authenticates the client (RFC 7523 section 2.2) counts before one that is a grant (section 2.1).
    name = credentials.name
    if name is None:
        name = _issuer(credentials.assertion) or _issuer(form.get("assertion"))
    return name[:LONGEST_NAME]


def subject(name: str) -> str:
    """Return the client's name for the audit log. If it can be a secret, only four characters are shown."""
    is_shown = len(name) < SECRET or name.startswith(ADDRESS)
    return f"client:{name if is_shown else name[:4] + '…'}"


def _issuer(assertion: str | None) -> str:
    """Return the unverified `iss` of a JWT, or an empty string if it has none."""
    parts = (assertion or "").split(".")
    if len(parts) != 3 or len(parts[1]) > LONGEST:
        return ""
    try:
        issuer = compact.json_object(parts[1]).get("iss")
    except compact.Unreadable:
        return ""
    return issuer if isinstance(issuer, str) else ""
