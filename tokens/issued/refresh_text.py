"""Composes and authenticates the text of refresh tokens: `<family>.<generation>.<own part>.<tag>`. Pure.

- The tag authenticates everything before it (HMAC-SHA-256 under a server key). A text with a wrong tag was never
  issued. It is damaged or forged, and does not prove reuse.
- All tokens of one user grant share the family. The generation counts the rotations since the first token.
- The own part of a successor is derived from the whole text of its predecessor. So every repeat of a request gets the
  same successor on every node, although the database stores only hashes.
- New texts are made with the first key of KEY_ENCRYPTION_KEYS. Texts are verified with each of these keys.
- The row of a successor has the id of the key that made it. A repeated request uses this key, so that it gets the same
  text even if an operator has put another key first.

    first token    Qm9…x.0.t8Jk….<tag>      own part: random
    its successor  Qm9…x.1.9sLw….<tag>      own part: HMAC(successor key, text of the first token)

Tokens of earlier versions of Keyturn have no tag: `<family>.<own part>`. Only their rows prove that they were issued.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from tokens.encryption import EncryptionKey

BYTES = 24  # 192 bits: 32 characters of base64url, without spare bits
# The purposes from which the two HMAC keys are derived. Another purpose makes every stored token unverifiable.
TAG = "refresh token"
SUCCESSOR = "refresh token successor"


def first(family: str, *, key: EncryptionKey) -> str:
    """Return the text of the first token of a family: generation 0, 192 random bits, and the tag."""
    return _tagged(f"{family}.0.{secrets.token_urlsafe(BYTES)}", key)


def successor(text: str, *, generation: int, key: EncryptionKey) -> str:
    """Return the text of the successor of the token in `text`. The same arguments always give the same text.

    `generation` is that of the successor: one more than that of the token in `text`.
    """
    return _tagged(f"{family(text)}.{generation}.{_mac(key, SUCCESSOR, text)}", key)


def can_be(text: str) -> bool:
    """Return True if `text` might be a refresh token. Returns False for a text with two dots, which is a JWT."""
    return text.count(".") != 2


def family(text: str) -> str:
    """Return the part of `text` that all tokens of a family share."""
    return text.partition(".")[0]


def generation(text: str, keys: Iterable[EncryptionKey]) -> int | None:
    """Return the generation of the token in `text`: the number of rotations since the first token of its family.

    Returns None if none of `keys` authenticates the text.
    """
    body, _, tag = text.rpartition(".")
    # Compared in constant time, so that timing does not reveal the correct tag byte by byte.
    if not any(hmac.compare_digest(_mac(key, TAG, body).encode(), tag.encode()) for key in keys):
        return None
    return int(body.split(".")[1])  # cannot fail: a valid tag proves that `_tagged` made the text


def _tagged(body: str, key: EncryptionKey) -> str:
    """Return `body` with its authentication tag, by which the issuer recognizes its own refresh tokens."""
    return f"{body}.{_mac(key, TAG, body)}"


def _mac(key: EncryptionKey, purpose: str, text: str) -> str:
    """Return 192 bits of the HMAC-SHA-256 of `text` in base64url, under a key derived from `key` for `purpose`."""
    digest = hmac.digest(key.derive(purpose), text.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:BYTES]).decode()
