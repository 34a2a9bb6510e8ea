"""A trusted issuer as `verify` needs it: its URL, algorithms and keys, and the reasons to refuse its tokens. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from .jose.jwk import Key
from .revocations.refusals import NONE, Refusals


class Keys(Protocol):
    """A source of an issuer's public keys."""

    def find(self, kid: str, algorithm: str) -> Sequence[Key]:
        """Return the keys with this `kid` for `algorithm`.

        The result is empty if the issuer publishes no such key.

        Raises Unavailable if the issuer's keys are not known now.
        """

    def recheck(self) -> None:
        """Start to fetch the keys again in the background.

        `verify` calls this method if a published key did not verify a signature.
        """

    def ready(self) -> bool:
        """Return True if there is a key to verify with, after at most one attempt to fetch keys."""

    def status(self) -> dict[str, Any]:
        """Return the state of the keys, for /readyz."""


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer that this API was configured to trust."""

    url: str
    algorithms: frozenset[str]
    keys: Keys
    refusals: Callable[[datetime], Refusals] = lambda _now: NONE
    """Returns the reasons to refuse verified tokens at an instant. Raises Unavailable if they are not known."""
