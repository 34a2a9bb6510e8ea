"""Codes and tokens that are random text, and of which nothing but the hash is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

BYTES = 32  # 256 bits
RETRY_WINDOW = timedelta(seconds=10)
"""How long after its redemption the reuse of a code is treated as a repeat of the same request."""


def new() -> str:
    """A text that nobody guesses."""
    return secrets.token_urlsafe(BYTES)


def digest(text: str) -> str:
    """What is stored of it: enough to find it, too little to use it."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_retry(redeemed_at: datetime, *, now: datetime) -> bool:
    """True if a code that was redeemed at `redeemed_at` is reused within RETRY_WINDOW: its client repeats the request.

    The repeat is refused (RFC 6749 section 4.1.2) and revokes nothing: the first answer stays valid.
    """
    return now - redeemed_at <= RETRY_WINDOW
