"""The front forwards the application's responses unchanged.

If the application fails, only the request that failed is affected.
"""

import asyncio
import threading

import pytest

from project.front import application, reply, wsgi_call
from tests.project.front.asgi import fetch, fetch_async, front, scope

PART = b"x" * 1024 * 1024


class Parts:
    """A response body that yields `count` parts of one megabyte each. It records whether it was closed.

    With `fails`, it raises an error after the last part.
    """

    def __init__(self, count, fails=False):
        self.left, self.fails, self.closed = count, fails, threading.Event()

    def __iter__(self):
        while self.left:
            self.left -= 1
            yield PART
        if self.fails:
            raise ZeroDivisionError

    def close(self):
        self.closed.set()


def serving(parts, headers=(("Content-Type", "text/plain"),)):
    def wsgi(environ, start):
        start("200 OK", list(headers))
        return parts

    return front(wsgi)


def test_status_headers_and_body_pass_through():
    answer = fetch(serving([b"a", b"b"], [("Set-Cookie", " a=b"), ("Set-Cookie", "c=d"), ("X", "\u00e9")]))
    assert (answer.status, answer.body, answer.parts) == (200, b"ab", 1)
    assert answer.headers[:2] == [("set-cookie", "a=b"), ("set-cookie", "c=d")]


@pytest.mark.parametrize(("count", "sent"), [(0, 1), (4, 1), (5, 2), (20, 17)])
def test_a_long_body_is_sent_while_it_is_made(count, sent):
    parts = Parts(count)
    answer = fetch(serving(parts))
    assert answer.body == PART * count
    assert answer.parts == sent
    assert parts.closed.wait(60)


@pytest.mark.parametrize("taken", [0, 2])
def test_a_reader_that_stalls_does_not_keep_the_thread_nor_the_answer(monkeypatch, taken):
    """If the client stops reading, the front abandons the response, and closes its body.

    The client stops after `taken` parts of the response.
    """
    for module in (application, wsgi_call):
        monkeypatch.setattr(module, "STALLED", 0.2)
    parts = Parts(50)
    server = serving(parts)
    sent = []

    async def story():
        async def send(message):
            if message.get("more_body"):
                sent.append(message)
                if len(sent) > taken:
                    await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60) as guard:
                await server(scope("/", "GET", []), None, send)
        assert not guard.expired(), "the answer waits for the client for ever"
        assert await asyncio.to_thread(parts.closed.wait, 60)

    asyncio.run(story())
    assert parts.left > 30


def test_a_failure_is_the_server_s_to_answer_and_the_thread_serves_on():
    def wsgi(environ, start):
        if environ["PATH_INFO"] == "/fails":
            raise ZeroDivisionError
        start("200 OK", [])
        return [b"ok"]

    server = front(wsgi)
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            fetch(server, "/fails")
    assert fetch(server, "/").body == b"ok"


def test_a_failure_in_the_middle_of_a_long_body_ends_it():
    parts = Parts(reply.COLLECTED // len(PART) + 2, fails=True)
    server = serving(parts)

    async def story():
        answer = await fetch_async(server)
        await asyncio.sleep(0)
        return answer

    assert len(asyncio.run(story()).body) == (reply.COLLECTED // len(PART) + 2) * len(PART)
    assert parts.closed.wait(60)


def test_write_is_not_supported():
    def wsgi(environ, start):
        start("200 OK", [])(b"x")
        return []

    with pytest.raises(NotImplementedError):
        fetch(front(wsgi))
