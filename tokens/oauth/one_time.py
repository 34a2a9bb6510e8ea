"""Codes and tokens that are random text, and of which nothing but the hash is kept."""

import hashlib
import secrets

BYTES = 32  # 256 bits


def new() -> str:
    """A text that nobody guesses."""
    return secrets.token_urlsafe(BYTES)


def digest(text: str) -> str:
    """What is stored of it: enough to find it, too little to use it."""
    return hashlib.sha256(text.encode()).hexdigest()
