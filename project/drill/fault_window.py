"""The window of a fault in the ledger: it begins just before the fault, and ends when everything works again.

- A node that is killed or restarted does not answer requests that it had accepted. nginx answers these requests with
  503, and sends new requests to the other node. So a 503 of nginx is excused only in a fault that ends a node.
- A window ends when every node is ready again, but not earlier than `settles` seconds after the fault was lifted. For
  Redis, `settles` is longer, because a process tries Redis again only 5 s after a failure.
"""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from project.drill.caller import World
from project.drill.ledger import BY_WEBAPP, CLEAN, GATEWAY, UNANSWERED, Window
from project.drill.topology import APIS, ISSUERS

NODES = (*ISSUERS, *APIS)
LONGEST = 40.0
"""The longest time in seconds for which the drill waits for a recovery."""
_NO_ISSUER = frozenset({"webapp:502", "webapp:refused", f"{BY_WEBAPP}:{CLEAN}", f"{BY_WEBAPP}:{UNANSWERED}"})
"""The outcomes of the web application and of its API requests if the issuer or the API fails.

The application answers with 502, or the user has to log in. The API answers with 503, or not at all.
"""
ENDS = frozenset(f"{group}:{GATEWAY}" for group in ("token", "page", "documents", "apis")) | _NO_ISSUER
UNAVAILABLE = frozenset({"token:503", "page:503"}) | _NO_ISSUER


@dataclass(frozen=True, slots=True)
class Sizes:
    """The durations of the faults in seconds, the time limit of a request, and the number of users to log out.

    `answer_within` is the time limit: the seconds within which a node must answer (ANSWER_WITHIN). `crowd` is the
    number of users in the mass log-out.
    """

    answer_within: float = 3
    outage: float = 30
    beyond_n: float = 40
    short: float = 7
    cut: float = 16
    crowd: int = 100_000


@dataclass(frozen=True, slots=True)
class Drill:
    """The running drill, which is the argument of each fault. `say` prints progress."""

    world: World
    sizes: Sizes
    say: Callable[[str], None]

    @contextmanager
    def window(
        self, fault: str, *, excuses: frozenset[str] = frozenset(), expects: frozenset[str] = frozenset(),
        late: frozenset[str] = frozenset(), settles: float = 1.5, nodes: tuple[str, ...] = NODES,
    ) -> Iterator[set[str]]:  # fmt: skip
        """Record the time of the block as the window of the fault `fault`. The block causes and ends the fault.

        After the block, wait until `nodes` are ready, but at least `settles` seconds and at most LONGEST seconds. This
        wait is part of the window. `excuses` are the outcomes that may happen in the window, and `expects` those that
        must happen. `late` are the APIs that cannot read the revocation feed in the window. Yields `excuses` as a set
        to which the block can add outcomes.
        """
        self.say(fault)
        begun, excused = time.time(), set(excuses)
        yield excused
        lifted = time.time()
        while time.time() - lifted < settles or not self.is_ready(nodes):
            time.sleep(0.2)
            if time.time() - lifted > LONGEST:
                break
        ledger = self.world.wallet.ledger
        ledger.windows.append(Window(fault, begun, lifted, time.time(), frozenset(excused), expects, late))

    def is_ready(self, nodes: tuple[str, ...]) -> bool:
        """Return True if each node answers two requests of /readyz with 200.

        A node has two workers, and each request can go to another worker.
        """
        ports = self.world.topology.ports
        return all(_ready(ports[node]) for _ in range(2) for node in nodes)

    def restart(self, node: str, **changes: str) -> None:
        """Restart a node with changed environment variables."""
        self.world.topology.stop(node)
        self.world.topology.start(node, **changes)

    def hold(self, seconds: float) -> None:
        """Wait `seconds`, during which the fault lasts."""
        time.sleep(seconds)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


Fault = Callable[[Drill], None]
