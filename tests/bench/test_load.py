"""The load generator of the benchmarks reads answers that arrive in several pieces.

A client of the load generator is a Python generator, which yields requests and gets the answer to each of them.
"""

import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from bench import load
from bench.load import Client, drive, parsed

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Le",
        OK,
        OK + b"{",
        OK.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n",
    ],
)
def test_an_incomplete_answer_is_none(data: bytes) -> None:
    assert parsed(data) is None


def test_a_complete_answer_has_its_status_and_body() -> None:
    assert parsed(OK + b"{}").body == b"{}"
    chunked = OK.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n"
    assert parsed(chunked).status == 200
    assert parsed(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 90\r\n\r\n").status == 304


@pytest.fixture
def url() -> Iterator[str]:
    """Yield the URL of a server that answers each request with 200, except requests for /wrong, which get 401."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(connection: socket.socket) -> None:
            with connection:
                while request := connection.recv(1000):
                    connection.sendall(OK.replace(b"200 OK", b"401 No") + b"{}" if b"/wrong" in request else OK + b"{}")

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_each_client_gets_the_answer_to_its_own_request_and_the_drive_ends_with_them(url: str) -> None:
    seen = []

    def client(path: str, number: int) -> Client:
        for _ in range(number):
            answer = yield f"GET {path} HTTP/1.1\r\n\r\n".encode()
            seen.append((path, answer.status))

    driven = drive(url, [client("/right", 3), client("/wrong", 2)], seconds=60)
    assert driven.statuses == {200: 3, 401: 2}
    assert sorted(set(seen)) == [("/right", 200), ("/wrong", 401)]
    assert driven.count == len(seen) == 5


def test_what_a_client_does_with_an_answer_is_no_wait(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, spent = time.perf_counter, 0.0
    monkeypatch.setattr(load, "time", SimpleNamespace(perf_counter=lambda: clock() + spent))

    def client() -> Client:
        nonlocal spent
        for _ in range(3):
            yield b"GET /right HTTP/1.1\r\n\r\n"
            spent += 1000

    assert drive(url, [client()], seconds=5000).wait(0.5) < 1_000_000
