"""Who acts for the user: the `act` claim (RFC 8693 section 4.1), the latest actor outermost. Pure."""

from collections.abc import Mapping
from typing import Any

LONGEST_CHAIN = 4
"""How many services may stand between the user's application and an API."""


class ChainTooLong(Exception):
    """The token was passed on as often as it may be."""


def chain(client_id: str, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The claim of a token that `client_id` gets, of whose subject token `before` is the claim. Raises ChainTooLong."""
    if _length(before) >= LONGEST_CHAIN:
        raise ChainTooLong(f"no more than {LONGEST_CHAIN} services may act one behind the other")
    return {"sub": client_id} if before is None else {"sub": client_id, "act": dict(before)}


def _length(act: Mapping[str, Any] | None) -> int:
    return 0 if act is None else 1 + _length(act.get("act"))
