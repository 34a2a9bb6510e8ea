"""Changes of a token that make it invalid, so that the API must refuse it.

Pure: no function of this module can sign.
"""

import base64
import json
from typing import Any


def tampered(token: str) -> str:
    """Return the token with a further scope, which the issuer did not grant. The token keeps its signature."""
    header, claims, signature = token.split(".")
    changed = _decoded(claims)
    changed["scope"] = f"{changed.get('scope', '')} notes:everything".strip()
    return f"{header}.{_encoded(changed)}.{signature}"


def unknown_kid(token: str) -> str:
    """Return the token with a `kid` that no issuer publishes."""
    header, claims, signature = token.split(".")
    return f"{_encoded({**_decoded(header), 'kid': 'unknown'})}.{claims}.{signature}"


def _decoded(part: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
