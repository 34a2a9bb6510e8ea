"""A client of the drill: a thread that repeats a series of requests (a turn), even after a turn has failed."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from project.drill.ledger import Token
from project.drill.registration import Enrollment
from project.drill.topology import Topology
from project.drill.wire import Wallet, Wire

PAUSE = 0.5
"""Seconds between two turns of a client."""


@dataclass(slots=True)
class World:
    """The state that the clients of the drill share: processes, credentials, tokens and errors."""

    topology: Topology
    registered: Enrollment
    wallet: Wallet
    stopped: threading.Event = field(default_factory=threading.Event)
    latest: Token | None = None
    """The newest access token of the user ada, or None. The client `broker` exchanges it."""
    problems: list[str] = field(default_factory=list)
    """Errors of the drill itself."""

    def basic(self, client: str) -> tuple[str, str]:
        """Return the name and the secret of a confidential client, for HTTP Basic authentication."""
        return client, self.registered.secret


class Caller(ABC):
    """A thread that repeats a series of requests (a turn) until the drill ends."""

    name: str
    pause = PAUSE

    def __init__(self, world: World) -> None:
        self.world = world
        self.wire = Wire(world.topology, world.wallet, self.name)

    def run(self) -> None:
        """Call `turn` again and again, with a pause after each call, until the drill ends.

        An unexpected error in a turn is recorded as an error of the drill.
        """
        while not self.world.stopped.is_set():
            try:
                self.turn()
            except Exception as error:  # noqa: BLE001 (a thread that died would measure nothing)
                self.world.problems.append(f"{self.name}: {error!r}")
            self.world.stopped.wait(self.pause)

    @abstractmethod
    def turn(self) -> None:
        """Make the client's series of requests once."""

    def keep(self, answer: Mapping[str, Any] | None) -> Token | None:
        """Record the access token in an answer of the token endpoint, and present the token to the APIs behind nginx.

        Returns the token's record, or None if `answer` is None or has no access token.
        """
        if not answer or "access_token" not in answer:
            return None
        token = self.world.wallet.add(answer["access_token"])
        self.wire.use("apis", token, answer["access_token"])
        return token
