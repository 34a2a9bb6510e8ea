"""The state of this process, for code that exports metrics."""

from typing import Any

from .issuers.trusts import trusts
from .telemetry.counters import counters


def status() -> dict[str, Any]:
    """Return the state of the keys and the feed of each issuer, by URL, and the counts of tokens. Sends no request."""
    return {"issuers": {url: trust.status() for url, trust in trusts().items()}, "tokens": counters.read()}
