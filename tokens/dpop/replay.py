"""Accepts each DPoP proof once, in all processes (RFC 9449 section 11.1).

- A row has one SHA-256 over the key's thumbprint and the `jti`. So no client can use up the `jti` of another key.
- A proof gets a row only after its client or access token was verified. But a public client has no credentials, so an
  attacker who sends its client_id can write rows. The rate limit bounds their number.
- `purge_tokens` deletes a row after KEPT, when no process accepts the proof any more.
"""

import hashlib
from datetime import datetime

from django.db import connection

from tokens.dpop import nonce
from tokens.dpop.proof import WINDOW, InvalidProof, Proof

KEPT = max(2 * WINDOW, nonce.LONGEST_USE)
"""The longest time for which a proof that is accepted now can remain acceptable, by its `iat` or its nonce."""
USE_ONCE = """
INSERT INTO tokens_usedproof (digest, expires_at) VALUES (%s, %s)
ON CONFLICT DO NOTHING RETURNING 1"""


def use_once(proof: Proof, *, now: datetime) -> None:
    """Record the proof as used. Raises InvalidProof if it was used before, in this process or another."""
    digest = hashlib.sha256(f"{proof.thumbprint}\0{proof.token_id}".encode()).digest()
    until = connection.ops.adapt_datetimefield_value(now + KEPT)
    with connection.cursor() as cursor:
        cursor.execute(USE_ONCE, [digest, until])
        row = cursor.fetchone()
    if row is None:
        raise InvalidProof("its jti was used before")
