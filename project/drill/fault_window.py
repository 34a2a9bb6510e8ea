"""The window of a fault in the ledger: it begins just before the fault, and ends when everything works again.

- A node that ends (killed, or restarted) leaves requests unanswered that it had accepted: nginx answers 502. It sends
  new requests to the other node. So 502 is excused while a node ends, and at no other time.
- A window ends when every node is ready again, and at least `settles` seconds after the fault was lifted: a process
  tries Redis again only 5 s after a failure.
"""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from project.drill.caller import World
from project.drill.ledger import Window
from project.drill.topology import APIS, ISSUERS

NODES = (*ISSUERS, *APIS)
LONGEST = 40.0
"""Seconds after which the drill no longer waits for a recovery."""
ENDS = frozenset({"token:502", "page:502", "documents:502", "apis:502"})
UNAVAILABLE = frozenset({"token:503", "page:503"})


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long the faults last, in seconds, and how many users are logged out."""

    answer_within: float = 3
    outage: float = 30
    beyond_n: float = 40
    short: float = 7
    cut: float = 16
    crowd: int = 100_000


@dataclass(frozen=True, slots=True)
class Drill:
    """What the faults act on. `say` prints progress."""

    world: World
    sizes: Sizes
    say: Callable[[str], None]

    @contextmanager
    def window(
        self, fault: str, *, excuses: frozenset[str] = frozenset(), expects: frozenset[str] = frozenset(),
        late: frozenset[str] = frozenset(), settles: float = 1.5, nodes: tuple[str, ...] = NODES,
    ) -> Iterator[set[str]]:  # fmt: skip
        """Record the block as the window of a fault, until the nodes are ready again. The block can add excuses."""
        self.say(fault)
        begun, allowed = time.time(), set(excuses)
        yield allowed
        lifted = time.time()
        while time.time() - lifted < settles or not self.is_ready(nodes):
            time.sleep(0.2)
            if time.time() - lifted > LONGEST:
                break
        ledger = self.world.wallet.ledger
        ledger.windows.append(Window(fault, begun, lifted, time.time(), frozenset(allowed), expects, late))

    def is_ready(self, nodes: tuple[str, ...]) -> bool:
        """Return True if each node says so, twice: a node has two workers."""
        ports = self.world.topology.ports
        return all(_ready(ports[node]) for _ in range(2) for node in nodes)

    def restart(self, node: str, **changes: str) -> None:
        """Restart a node with changed variables."""
        self.world.topology.stop(node)
        self.world.topology.start(node, **changes)

    def hold(self, seconds: float) -> None:
        """Let the fault last."""
        time.sleep(seconds)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


Fault = Callable[[Drill], None]
