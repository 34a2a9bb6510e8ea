"""Choose the keys of a client that can have signed a JWS. Pure."""

from collections.abc import Sequence

from tokens.jose.public_keys import MAX_PER_KID, ClientKey


def candidates(keys: Sequence[ClientKey], *, kid: str | None, algorithm: str) -> tuple[ClientKey, ...]:
    """Return the candidate keys for a JWS with this `kid` and `algorithm` (RFC 7515 section 4.1.4).

    Only keys that support the algorithm count.
    1. If keys have the header's kid: these keys.
    2. If none has it: the key without a kid, if there is exactly one.
    3. If the header has no kid: the key, if there is exactly one.
    """
    supporting = [key for key in keys if algorithm in key.algorithms]
    named = [key for key in supporting if kid is not None and key.kid == kid]
    if named:
        return tuple(named[:MAX_PER_KID])
    others = [key for key in supporting if kid is None or key.kid is None]
    return tuple(others) if len(others) == 1 else ()
