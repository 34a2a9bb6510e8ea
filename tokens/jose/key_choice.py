"""Choose the keys of a client that can have signed a JWS. Pure."""

from collections.abc import Sequence

from tokens.jose.public_keys import MAX_PER_KID, ClientKey


def candidates(keys: Sequence[ClientKey], *, kid: str | None, algorithm: str) -> tuple[ClientKey, ...]:
    """Return the keys that can verify a JWS with this `kid` and `algorithm` (RFC 7515 section 4.1.4).

    `kid` is the kid of the JWS header, or None if the header has none. Keys that do not support the algorithm are
    ignored. Of the other keys:

    1. If `kid` is None, return the only key, or no key if there are several.
    2. If keys have this `kid`, return these keys, at most MAX_PER_KID.
    3. If no key has this `kid`, and exactly one key has no kid, return that key. Otherwise, return no key.
    """
    supporting = [key for key in keys if algorithm in key.algorithms]
    named = [key for key in supporting if kid is not None and key.kid == kid]
    if named:
        return tuple(named[:MAX_PER_KID])
    others = [key for key in supporting if kid is None or key.kid is None]
    return tuple(others) if len(others) == 1 else ()
