"""The recorder: the last exchange (HTTP request and response) of each kind, for each browser.

- The exchanges are in the memory of the process, for at most MOST browsers. A browser has one exchange of each kind.
- Exchanges are masked before they are recorded.
- A new login deletes the browser's earlier exchanges.
- A browser has a random identifier in a cookie. The recorder replaces an identifier that it does not know.
"""

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from types import MappingProxyType

from examples.webapp.picture.exchange import Exchange

MOST = 32  # browsers


@dataclass(frozen=True, slots=True)
class Flow:
    """The last exchange of each kind in one browser's session, by kind (`steps.KINDS`).

    `version` is the number of exchanges recorded so far, including those of earlier logins.
    """

    version: int = 0
    exchanges: Mapping[str, Exchange] = field(default_factory=lambda: MappingProxyType({}))


class Recorder:
    """A store of the flow (the recorded exchanges) of each browser. All threads use the same Recorder."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._flows: OrderedDict[str, Flow] = OrderedDict()
        self._lock = Lock()

    def identifier(self, presented: str) -> str:
        """Return the browser's identifier `presented` if the recorder knows it, otherwise a new one."""
        with self._lock:
            return presented if presented in self._flows else secrets.token_urlsafe(16)

    def add(self, browser: str, exchange: Exchange) -> None:
        """Store an exchange of the browser with the identifier `browser`.

        If there are more than MOST browsers, delete the exchanges of the browser that was idle for longest.
        """
        with self._lock:
            flow = self._flows.pop(browser, Flow())
            exchanges = {} if exchange.kind == "login" else dict(flow.exchanges)
            self._flows[browser] = Flow(flow.version + 1, MappingProxyType(exchanges | {exchange.kind: exchange}))
            while len(self._flows) > self._most:
                self._flows.popitem(last=False)

    def flow(self, browser: str) -> Flow | None:
        """Return the browser's flow, or None if no exchange of this browser was recorded."""
        with self._lock:
            return self._flows.get(browser)


RECORDER = Recorder()
"""The recorder of this process. It lives as long as the process."""
BROWSER: ContextVar[str] = ContextVar("browser", default="")
"""The identifier of the browser whose request this thread handles; empty outside requests."""
