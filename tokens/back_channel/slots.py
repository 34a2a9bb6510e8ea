"""Limits the deliveries that a process makes at once, so that slow clients do not delay other clients. Pure.

- At most IN_ALL deliveries run at once, and at most PER_CLIENT deliveries to one client.
- A client is in trouble if its last delivery failed or took longer than SLOW.
- A client in trouble gets one delivery at a time. All clients in trouble together get at most FOR_TROUBLE deliveries at
  once. So IN_ALL - FOR_TROUBLE deliveries can always go to other clients.
"""

from collections import Counter
from collections.abc import Hashable

IN_ALL = 16
PER_CLIENT = 2
FOR_TROUBLE = 8
SLOW = 1.0  # seconds


class Slots:
    """The running deliveries of a process, which decide if another delivery may start. Not thread-safe."""

    def __init__(self) -> None:
        self._running = Counter[Hashable]()
        self._in_trouble = set[Hashable]()

    @property
    def number(self) -> int:
        """Return the number of running deliveries."""
        return self._running.total()

    @property
    def are_full(self) -> bool:
        """Return True if no further delivery can start."""
        return self.number >= IN_ALL

    def barred(self) -> set[Hashable]:
        """Return the clients to which no further delivery can start."""
        busy = {client for client, number in self._running.items() if number >= self._limit(client)}
        troubled = sum(self._running[client] for client in self._in_trouble)
        return busy | (self._in_trouble if troubled >= FOR_TROUBLE else set())

    def begin(self, client: Hashable) -> None:
        """Record that a delivery to `client` starts."""
        self._running[client] += 1

    def end(self, client: Hashable, *, succeeded: bool, seconds: float) -> None:
        """Record that a delivery to `client` ended.

        `seconds` is the duration of the delivery. `succeeded` is True if the client accepted the token.
        """
        self._running[client] -= 1
        self._running += Counter()  # forgets clients without a delivery
        if succeeded and seconds <= SLOW:
            self._in_trouble.discard(client)
        else:
            self._in_trouble.add(client)

    def _limit(self, client: Hashable) -> int:
        return 1 if client in self._in_trouble else PER_CLIENT
