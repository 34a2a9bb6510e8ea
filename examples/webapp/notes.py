"""Step 5. The client sends the token to the API, as a bearer in the Authorization header (RFC 6750 section 2.1).

Owns the calls and what they show of the token. Decoding is for the eye: whether a token is good is the API's to say.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

import requests

from examples.webapp import settings

TIMEOUT = 5  # seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said; status 0 when it did not answer."""

    url: str
    status: int
    body: Any
    challenge: str = ""


def read(token: str) -> Answer:
    """The user's notes."""
    return _call("GET", token, None)


def write(token: str, *, title: str, body: str) -> Answer:
    """Add a note."""
    return _call("POST", token, {"title": title, "body": body})


def decode(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims as they stand in the token, unverified; raises ValueError for what is no JWT."""
    header, claims, _ = token.split(".")
    return _part(header), _part(claims)


def published_key(kid: str) -> dict[str, Any] | None:
    """The JWKS entry with this kid, or None; the same that the API finds."""
    try:
        response = requests.get(f"{settings.ISSUER_URL}/.well-known/jwks.json", timeout=TIMEOUT)
        keys: list[dict[str, Any]] = response.json()["keys"]
    except (requests.RequestException, KeyError, ValueError):
        return None
    return next((key for key in keys if key.get("kid") == kid), None)


def _call(method: str, token: str, body: dict[str, str] | None) -> Answer:
    url = f"{settings.API_URL}/api/notes/"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    try:
        response = requests.request(method, url, headers=headers, json=body, timeout=TIMEOUT)
        said = response.json() if response.content else None
    except (requests.RequestException, ValueError):
        return Answer(url, 0, None)
    return Answer(url, response.status_code, said, response.headers.get("WWW-Authenticate", ""))


def _part(segment: str) -> dict[str, Any]:
    try:
        decoded = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (binascii.Error, ValueError) as error:
        raise ValueError("not a JWT") from error
    if not isinstance(decoded, dict):
        raise ValueError("not a JWT")  # noqa: TRY004 (one kind of answer)
    return decoded
