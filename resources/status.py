"""The state of this process, for code that exports metrics."""

from typing import Any

from .counters import counters
from .issuers import trusts


def status() -> dict[str, Any]:
    """Return the state of each issuer's keys and feed by URL, and the counts of tokens, without network requests."""
    return {"issuers": {url: trust.status() for url, trust in trusts().items()}, "tokens": counters.read()}
