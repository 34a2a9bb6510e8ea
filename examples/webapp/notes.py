"""Step 5. The client sends the token to the API, as a bearer token in the Authorization header (RFC 6750 section 2.1).

This module also decodes the token for display, without verifying it. Only the API verifies it.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

import requests

from examples.webapp import settings, tracing
from examples.webapp.hooks import HOOKS

TIMEOUT = 5  # seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """The API's response. `status` is 0 if the API did not answer."""

    url: str
    status: int
    body: Any
    challenge: str = ""


def read(token: str) -> Answer:
    """Request the user's notes from the API, and return the API's response."""
    return _call("GET", token, None)


def export(token: str) -> Answer:
    """Request an export of all notes from the API, and return the API's response.

    The API requires a stronger login for the export.
    """
    return _call("GET", token, None, path="export/")


def missing_classes(answer: Answer) -> str:
    """Return the `acr_values` of the API's challenge (RFC 9470 section 3).

    Returns "" unless the API demands another login.
    """
    if answer.status != 401 or 'error="insufficient_user_authentication"' not in answer.challenge:
        return ""
    match = re.search(r'(?:^|[ ,])acr_values="([^"\\]*)"', answer.challenge)
    return match[1] if match else ""


def write(token: str, *, title: str, body: str) -> Answer:
    """Add a note at the API, and return the API's response."""
    return _call("POST", token, {"title": title, "body": body})


def decode(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of the token, unverified. Raises ValueError if the token is not a JWT."""
    header, claims, _ = token.split(".")
    return _part(header), _part(claims)


def published_key(kid: str) -> dict[str, Any] | None:
    """Fetch the issuer's JWKS, and return the key with this `kid`.

    Returns None if the JWKS has no such key, or if the fetch fails.
    """
    try:
        url, headers = f"{settings.ISSUER_URL}/.well-known/jwks.json", tracing.headers()
        response = requests.get(url, headers=headers, timeout=TIMEOUT, hooks=HOOKS)
        keys: list[dict[str, Any]] = response.json()["keys"]
    except (requests.RequestException, KeyError, ValueError):
        return None
    return next((key for key in keys if key.get("kid") == kid), None)


def _call(method: str, token: str, body: dict[str, str] | None, *, path: str = "") -> Answer:
    url = f"{settings.API_URL}/api/notes/{path}"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", **tracing.headers()}
    try:
        response = requests.request(method, url, headers=headers, json=body, timeout=TIMEOUT, hooks=HOOKS)
        content = response.json() if response.content else None
    except (requests.RequestException, ValueError):
        return Answer(url, 0, None)
    return Answer(url, response.status_code, content, response.headers.get("WWW-Authenticate", ""))


def _part(segment: str) -> dict[str, Any]:
    try:
        decoded = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (binascii.Error, ValueError) as error:
        raise ValueError("not a JWT") from error
    if not isinstance(decoded, dict):
        raise ValueError("not a JWT")  # noqa: TRY004 (callers expect one exception)
    return decoded
