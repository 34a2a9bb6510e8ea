"""The state of this process, for code that exports metrics."""

from typing import Any

from resources.counters import counters
from resources.issuers import trusts


def status() -> dict[str, Any]:
    """Return the state of each issuer's keys and feed by URL, and the counts of tokens. Do not use the network."""
    return {"issuers": {url: trust.status() for url, trust in trusts().items()}, "tokens": counters.read()}
