"""The text of a refresh token: `<family>.<generation>.<own part>.<tag>`. Pure.

- The tag authenticates everything before it (HMAC-SHA-256 under a server key). A text whose tag is wrong was never
  issued: it was damaged or made up, and does not prove reuse.
- All tokens of one user grant share the family. The generation counts the rotations since the first token.
- The own part of a successor is derived from the whole text of its predecessor. So every repeat of one request gets
  the same successor on every node, although the database keeps only hashes.
- The first of KEY_ENCRYPTION_KEYS makes new texts; each of them verifies. A repeat uses the key that made the
  successor, by its id, so that it gets the same text while the keys are being changed.

    first token    Qm9…x.0.t8Jk…  .tag      own part: random
    its successor  Qm9…x.1.9sLw…  .tag      own part: HMAC(successor key, text of the first token)

Tokens of earlier versions have no tag: `<family>.<own part>`. Only their rows prove that they were issued.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from tokens.encryption import EncryptionKey

BYTES = 24  # 192 bits: 32 characters of base64url, without spare bits
TAG = "refresh token"
SUCCESSOR = "refresh token successor"


def first(family: str, *, key: EncryptionKey) -> str:
    """Return the text of the first token of a family."""
    return _tagged(f"{family}.0.{secrets.token_urlsafe(BYTES)}", key)


def successor(text: str, *, generation: int, key: EncryptionKey) -> str:
    """Return the text of the successor of the token in `text`: the same for the same text, generation and key."""
    return _tagged(f"{family(text)}.{generation}.{_mac(key, SUCCESSOR, text)}", key)


def family(text: str) -> str:
    """Return the part that all tokens of a family begin with."""
    return text.partition(".")[0]


def generation(text: str, keys: Iterable[EncryptionKey]) -> int | None:
    """Return the generation of the token in `text`. Returns None if none of `keys` authenticates the text."""
    body, _, tag = text.rpartition(".")
    if not any(hmac.compare_digest(_mac(key, TAG, body).encode(), tag.encode()) for key in keys):
        return None
    return int(body.split(".")[1])  # only texts of this form are ever given a tag


def _tagged(body: str, key: EncryptionKey) -> str:
    return f"{body}.{_mac(key, TAG, body)}"


def _mac(key: EncryptionKey, purpose: str, text: str) -> str:
    digest = hmac.digest(key.derive(purpose), text.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:BYTES]).decode()
