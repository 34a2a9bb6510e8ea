"""Keys of an issuer that come from the settings, with the interface of a key set. Pure."""

from collections.abc import Sequence
from typing import Any

from ..jose.jwk import Key, Verdict, by_kid


class PinnedKeys:
    """Keys from the settings, for tests and for systems without a network."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        self.verdicts = tuple(verdicts)
        self._keys = by_kid(verdicts)

    def find(self, kid: str, algorithm: str) -> Sequence[Key]:
        """Return the keys with this `kid` for `algorithm`."""
        return [key for key in self._keys.get(kid, ()) if algorithm in key.algorithms]

    def recheck(self) -> None:
        """Do nothing: pinned keys do not change."""

    def ready(self) -> bool:
        """Return True if there is at least one usable key."""
        return bool(self._keys)

    def status(self) -> dict[str, Any]:
        """Return the state of the keys for /readyz."""
        return {"kids": sorted(self._keys), "pinned": True, "usable": bool(self._keys)}
