"""Nonces for DPoP proofs (RFC 9449 section 8): made and recognized by every process, without a table. Pure.

- Time is cut into windows of WINDOW. The nonce of a window is a keyed hash of its number, so it cannot be predicted.
- The nonce of the window before this one is accepted, too. So a nonce is accepted for one to two windows.
- The nonce of the next window is accepted, because the process that gave it can have read the clock later.
- Each secret of SECRET_KEY_FALLBACKS still makes accepted nonces, so that its rotation refuses none.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=60)
LONGEST_USE = 3 * WINDOW
"""For how long a nonce that is accepted now can be accepted at most."""
BYTES = 16
# Another value invalidates the nonces that clients have.
PURPOSE = "tokens.dpop.nonce"


def current(secrets: Sequence[str], *, now: datetime) -> str:
    """Return the nonce to send to clients. `secrets` are the issuer's, the current one first."""
    return _nonce(secrets[0], _window(now))


def accepted(secrets: Sequence[str], *, now: datetime) -> tuple[str, ...]:
    """Return the nonces that are accepted at `now`."""
    window = _window(now)
    return tuple(_nonce(secret, number) for secret in secrets for number in (window, window - 1, window + 1))


def _window(now: datetime) -> int:
    return int(now.timestamp() // WINDOW.total_seconds())


def _nonce(secret: str, window: int) -> str:
    digest = hmac.new(secret.encode(), f"{PURPOSE}\0{window}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:BYTES]).rstrip(b"=").decode()
