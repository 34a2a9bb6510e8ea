"""Who acts for the user: the `act` claim (RFC 8693 section 4.1), the latest actor outermost. Pure.

The chain of a token that was passed on begins with the application that the user allowed. So it names every client that
the token came through, and dies with each of them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

LONGEST_CHAIN = 5
"""The user's application, and the services that stand between it and an API."""


class ChainTooLong(Exception):
    """The token was passed on as often as it may be."""


def alone(client_id: str) -> dict[str, Any]:
    """The claim of a token of an application that acts for a user by itself."""
    return {"sub": client_id}


def chain(client_id: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """The claim of a token that `client_id` gets for one with the claims `before`. Raises ChainTooLong."""
    act = before.get("act") or alone(before["client_id"])
    if len(list(clients({"act": act}))) >= LONGEST_CHAIN:
        raise ChainTooLong(f"no more than {LONGEST_CHAIN} clients may act one behind the other")
    return {"sub": client_id, "act": dict(act)}


def clients(claims: Mapping[str, Any]) -> Iterator[str]:
    """Who acts, and who acted before, by the verified claims of a token of ours."""
    act = claims.get("act")
    while act is not None:
        yield act["sub"]
        act = act.get("act")
