"""The `act` claim: the clients that act for a user (RFC 8693 section 4.1), the latest outermost. Pure.

The chain of an exchanged token begins with the client that the user allowed. So it names every client that the token
came through, and a revocation of each of them covers it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

LONGEST_CHAIN = 5
"""Clients: the one that the user allowed, and the services between it and an API."""


class ChainTooLong(Exception):
    """LONGEST_CHAIN clients act for the user already, so that the token cannot be exchanged again."""


def alone(client_id: str) -> dict[str, Any]:
    """Return the `act` claim of a token of a client that acts for a user without an exchange."""
    return {"sub": client_id}


def chain(client_id: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `act` claim of a token that `client_id` gets in exchange for a token with the claims `before`.

    Raises ChainTooLong if too many services act already.
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
