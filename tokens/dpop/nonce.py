"""Nonces for DPoP proofs (RFC 9449 section 8).

Each process computes the nonces from a secret that all processes have, so no database table is needed. Pure.

- Time is divided into windows of WINDOW. The nonce of a window is a keyed hash of the window's number, so it cannot be
  predicted.
- The nonce of the previous window is accepted, too. So a nonce is accepted for one to two windows after it was sent.
- The nonce of the next window is accepted, because another process might have read the clock later and sent that nonce.
- Nonces that were generated with a secret of SECRET_KEY_FALLBACKS are accepted, so that nonces survive a rotation of
  SECRET_KEY.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=60)
LONGEST_USE = 3 * WINDOW
"""The longest time for which a nonce that is accepted now can remain accepted."""
BYTES = 16
# Changing this value invalidates the nonces that clients have.
PURPOSE = "tokens.dpop.nonce"


def current(secrets: Sequence[str], *, now: datetime) -> str:
    """Return the nonce to send to clients. `secrets` are the issuer's secrets, the current secret first."""
    return _nonce(secrets[0], _window(now))


def accepted(secrets: Sequence[str], *, now: datetime) -> tuple[str, ...]:
    """Return the nonces that are accepted at `now`. `secrets` are the issuer's secrets, current and earlier."""
    window = _window(now)
    return tuple(_nonce(secret, number) for secret in secrets for number in (window, window - 1, window + 1))


def _window(now: datetime) -> int:
    return int(now.timestamp() // WINDOW.total_seconds())


def _nonce(secret: str, window: int) -> str:
    digest = hmac.new(secret.encode(), f"{PURPOSE}\0{window}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:BYTES]).rstrip(b"=").decode()
