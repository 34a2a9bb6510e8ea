"""Random texts for codes and tokens. The database stores only their SHA-256."""

import hashlib
import secrets
from datetime import datetime, timedelta

BYTES = 32  # 256 bits
RETRY_WINDOW = timedelta(seconds=10)
"""The time after the redemption of a code within which its reuse counts as a repeat of the same request."""


def new() -> str:
    """Return a random text of 256 bits, in base64url."""
    return secrets.token_urlsafe(BYTES)


def digest(text: str) -> str:
    """Return the SHA-256 of the text in hexadecimal, for storage and lookup."""
    # No salt and no slow hash: a text of 256 random bits cannot be guessed, and the lookup needs an equal digest.
    return hashlib.sha256(text.encode()).hexdigest()


def is_retry(redeemed_at: datetime, *, now: datetime) -> bool:
    """Return True if a code that was redeemed at `redeemed_at` is presented again, at `now`, within RETRY_WINDOW.

    The caller refuses the retry (RFC 6749 section 4.1.2) but does not revoke the grant, so the first response stays
    valid.
    """
    return now - redeemed_at <= RETRY_WINDOW
