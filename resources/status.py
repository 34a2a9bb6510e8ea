"""What this process knows of itself: for /readyz, and for whatever exports metrics."""

from typing import Any

from resources.counters import counters
from resources.issuers import trusts


def status() -> dict[str, Any]:
    """Each issuer's keys (and feed) by URL, and the counts of tokens. No network, no lock on the way of requests."""
    return {"issuers": {url: trust.status() for url, trust in trusts().items()}, "tokens": counters.read()}
