"""Send requests to a server over persistent connections, from one thread: in a closed loop, or at a fixed rate.

A client is a generator: it yields the bytes of a request and gets the answer. So a client can use parts of the answer,
such as a refresh token, in its next request.
"""

import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

Client = Generator[bytes, "Answer", None]
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """The HTTP response to a request."""

    status: int
    head: bytes
    body: bytes


@dataclass(slots=True)
class Drive:
    """The result of `drive`.

    `waits` has a wait for each answer, in seconds. A wait begins when the request is sent. If requests have a fixed
    rate, it begins when the request is due, even if the request is sent later.
    """

    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        """Return the number of answers."""
        return len(self.waits)

    def wait(self, share: float) -> float:
        """Return a quantile of the waits in milliseconds.

        `share` is the fraction (0 to 1) of the waits that are at most as long as the result.
        """
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


class Line:
    """One connection to the server, and the client that uses it."""

    def __init__(self, host: str, port: int, client: Client) -> None:
        self.socket = socket.create_connection((host, port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client, self.due, self.answered = client, 0.0, 0.0
        self.request: bytes | None = next(client)
        self._buffer = b""

    def send(self, due: float) -> None:
        """Send the client's next request. The wait is measured from `due`, an instant of `time.perf_counter`."""
        assert self.request is not None
        self.due, self._buffer = due, b""
        self.socket.sendall(self.request)

    def receive(self) -> Answer | None:
        """Read the bytes that have arrived. Returns None until the answer is complete.

        Raises ConnectionResetError if the server has closed the connection.
        """
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionResetError("the server closed the connection")
        self._buffer += part
        answer = parsed(self._buffer)
        if answer is not None:
            self.answered = time.perf_counter()  # what the client does with the answer is no wait
            try:
                self.request = self.client.send(answer)
            except StopIteration:
                self.request = None
        return answer


def parsed(data: bytes) -> Answer | None:
    """Return the answer in `data`, or None if it is incomplete.

    The body must have a Content-Length, or be chunked.
    """
    head, separator, body = data.partition(END_OF_HEAD)
    if not separator:
        return None
    status, low = int(head[9:12]), head.lower()
    if b"\r\ntransfer-encoding: chunked" in low:
        return Answer(status, head, body) if body.endswith(b"0\r\n\r\n") else None
    _, _, length = low.partition(b"\r\ncontent-length: ")
    wanted = int(length.partition(b"\r\n")[0] or 0)
    return Answer(status, head, body) if status == 304 or len(body) >= wanted else None


def drive(url: str, clients: Sequence[Client], *, seconds: float, rate: float | None = None) -> Drive:
    """Let the clients send requests for `seconds`, and return the waits and statuses.

    Without `rate`, each client sends its next request as soon as it gets an answer. With `rate`, all clients together
    send this number of requests per second. Ends earlier if all clients have ended.
    """
    host, _, port = url.rpartition("/")[2].partition(":")
    measured, lines = Drive(), [Line(host, int(port), client) for client in clients]
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
        start = time.perf_counter()
        try:
            _loop(measured, lines, selector, until=start + seconds, pause=1 / rate if rate else 0.0)
        finally:
            measured.seconds = time.perf_counter() - start
            for line in lines:
                line.socket.close()
    return measured


def _loop(measured: Drive, lines: list[Line], selector: selectors.BaseSelector, *, until: float, pause: float) -> None:
    """Send the clients' requests and record the answers in `measured`, until no answer is missing.

    `until` is the instant (`time.perf_counter`) from which no new request is sent. `pause` is the number of seconds
    between two requests of all clients together. If it is 0, each client sends its next request at once. Also ends
    after all clients have ended.
    """
    idle, busy, due = deque(lines), 0, time.perf_counter()
    while True:
        now = time.perf_counter()
        while idle and now < until and (not pause or due <= now):
            idle.popleft().send(due if pause else time.perf_counter())
            busy, due = busy + 1, due + pause
        if not busy and (now >= until or not idle):
            return
        for key, _ in selector.select(max(0.0, due - now) if pause and idle and now < until else None):
            line: Line = key.data
            answer = line.receive()
            if answer is None:
                continue
            measured.waits.append(line.answered - line.due)
            measured.statuses[answer.status] += 1
            busy -= 1
            if line.request is not None:
                idle.append(line)
