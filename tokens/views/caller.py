"""Finds the client that an unverified request names, for rate limits and the audit log."""

from collections.abc import Mapping

from django.http import HttpRequest

from tokens import parameters
from tokens.clients.assertion import LONGEST
from tokens.clients.authentication import Credentials, read
from tokens.jose import compact

LONGEST_NAME = 256
"""The most characters of a client's name in a log or a counter."""
PARAMETERS = parameters.CLIENT | {"assertion"}
ADDRESS = "https://"  # the client_id of a client with a metadata document begins so, and no secret does
SECRET = 43  # the fewest characters of a client's secret: 256 bits in base64url


def claimed_client(request: HttpRequest) -> str:
    """Return the client_id that a form request claims, without any verification.

    The client_id is read from the `Authorization` header, else from the parameter `client_id`, else from the `iss` of
    an assertion. Returns "" if the request names no client, or if the header has malformed Basic credentials.
    """
    form = {name: value for name, value in parameters.sent(request) if value and name in PARAMETERS}
    return claimed(read(request.META.get("HTTP_AUTHORIZATION"), form), form)


def claimed_in_header(request: HttpRequest) -> str:
    """Return the client_id that the `Authorization` header claims, or "". Does not read the body."""
    return claimed(read(request.META.get("HTTP_AUTHORIZATION"), {}), {})


def claimed(credentials: Credentials, form: Mapping[str, str]) -> str:
    """Return the client_id that the credentials or an assertion in the form claim, or ""."""
    # A client assertion (RFC 7523 section 2.2) takes precedence over an assertion that is a grant (section 2.1).
    name = credentials.name
    if name is None:
        name = _issuer(credentials.assertion) or _issuer(form.get("assertion"))
    return name[:LONGEST_NAME]


def subject(name: str) -> str:
    """Return the audit log's subject for the unverified client_id `name`.

    A `name` that might be a secret is cut to four characters.
    """
    is_shown = len(name) < SECRET or name.startswith(ADDRESS)
    return f"client:{name if is_shown else name[:4] + '…'}"


def _issuer(assertion: str | None) -> str:
    """Return the unverified `iss` of a JWT, or "" if there is none."""
    parts = (assertion or "").split(".")
    if len(parts) != 3 or len(parts[1]) > LONGEST:
        return ""
    try:
        issuer = compact.json_object(parts[1]).get("iss")
    except compact.Unreadable:
        return ""
    return issuer if isinstance(issuer, str) else ""
