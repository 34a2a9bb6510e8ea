"""The `act` claim: the clients that act for a user (RFC 8693 section 4.1), the latest outermost. Pure.

The innermost client of an exchanged token is the one that the user allowed. So the claim names every client that the
token came through, and a revocation of any of these clients covers the token.
"""

from collections.abc import Iterator, Mapping
from typing import Any

LONGEST_CHAIN = 5
"""The greatest number of clients in a chain: the client that the user allowed, and services between it and an API."""


class ChainTooLong(Exception):
    """The subject token has LONGEST_CHAIN actors, so it cannot be exchanged again."""


def alone(client_id: str) -> dict[str, Any]:
    """Return the `act` claim for a client that acts for a user without a token exchange: the client itself."""
    return {"sub": client_id}


def chain(client_id: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `act` claim of an exchanged token: `client_id`, then the actors of the subject token.

    `before` are the subject token's claims. Raises ChainTooLong if the subject token has LONGEST_CHAIN actors already.
    """
    act = before.get("act") or alone(before["client_id"])
    if len(list(clients({"act": act}))) >= LONGEST_CHAIN:
        raise ChainTooLong(f"no more than {LONGEST_CHAIN} clients may act one behind the other")
    return {"sub": client_id, "act": dict(act)}


def clients(claims: Mapping[str, Any]) -> Iterator[str]:
    """Yield the clients of the `act` claim of a verified token of this issuer, the latest first."""
    act = claims.get("act")
    while act is not None:
        yield act["sub"]
        act = act.get("act")
