"""A small pre-forking server: it loads the API, fetches the keys once, and forks four workers.

test_workers.py runs it. A command is a line of JSON on standard input: {"tokens": [...], "rounds": n, "wind": s}. Each
worker advances its clock by s seconds, and verifies every token n times in each of 64 threads. Its answer has the
numbers of accepted, refused and unavailable tokens, and the number of its fetches since the fork.
"""

import json
import os
import sys
import threading
from collections import Counter
from typing import IO, Any

import django

django.setup()

from django.test import RequestFactory  # noqa: E402 (after setup)
from rest_framework.request import Request  # noqa: E402

from resources import thread_limit  # noqa: E402
from resources.authentication import JWTAuthentication  # noqa: E402
from resources.challenges import TokenRefused, TryLater  # noqa: E402
from resources.issuers import trusts  # noqa: E402
from resources.testing import bearer  # noqa: E402

WORKERS, THREADS = 4, 64

wound = [0.0]
real_clock = trusts.clock
trusts.clock = lambda: real_clock() + wound[0]


def keys() -> Any:
    (trust,) = trusts.trusts().values()
    return trust.keys


def verify(token: str) -> str:
    request = Request(RequestFactory().get("/", headers=bearer(token)))
    try:
        JWTAuthentication().authenticate(request)
    except TokenRefused as error:
        return f"refused {error.reason.name}"
    except TryLater:
        return "later"
    return "accepted"


def work(command: dict[str, Any], fetches_before: int) -> dict[str, Any]:
    """Verify the tokens of the command in 64 threads, which all start at the same time.

    Returns how often each result occurred, and these members:
    - `fetches`: the number of fetches since the process had made `fetches_before` fetches
    - `hanging`: the number of threads that have not ended
    - `landed`: True if no fetch is running any more
    """
    wound[0] += command["wind"]
    counts: Counter[str] = Counter()
    start = threading.Barrier(THREADS)

    def verify_all() -> None:
        start.wait(60)
        for _ in range(command["rounds"]):
            counts.update([verify(token) for token in command["tokens"]])

    threads = [threading.Thread(target=verify_all) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    flight = keys()._flights._flight
    landed = flight is None or flight.done.wait(30)
    hanging = sum(thread.is_alive() for thread in threads)
    return {**counts, "fetches": keys().status()["fetches"] - fetches_before, "hanging": hanging, "landed": landed}


def serve(incoming: IO[str], outgoing: IO[str]) -> None:
    before = keys().status()["fetches"]
    for line in incoming:
        print(json.dumps(work(json.loads(line), before)), file=outgoing, flush=True)


def fork(others: list[tuple[IO[str], IO[str]]]) -> tuple[IO[str], IO[str]]:
    """Fork a worker. Return the parent process's ends of the worker's pipes.

    `others` are the ends of earlier workers' pipes. The new worker closes its copies of them.
    """
    command_out, command_in = os.pipe()
    answer_out, answer_in = os.pipe()
    if not os.fork():
        for pipes in others:
            for end in pipes:
                end.close()
        os.close(command_in)
        os.close(answer_out)
        with os.fdopen(command_out) as incoming, os.fdopen(answer_in, "w") as outgoing:
            serve(incoming, outgoing)
        os._exit(0)
    os.close(command_out)
    os.close(answer_in)
    return os.fdopen(command_in, "w"), os.fdopen(answer_out)


def main() -> None:
    thread_limit.serving.set_count(THREADS)
    assert keys().ready()
    # The parent holds the lock at the fork. A worker that kept the locked lock would hang.
    keys()._flights._lock.acquire()
    workers: list[tuple[IO[str], IO[str]]] = []
    for _ in range(WORKERS):
        workers.append(fork(workers))
    for line in sys.stdin:
        for incoming, _ in workers:
            print(line.strip(), file=incoming, flush=True)
        print(json.dumps([json.loads(outgoing.readline()) for _, outgoing in workers]), flush=True)
    for incoming, _ in workers:
        incoming.close()
    for _ in workers:
        os.wait()


if __name__ == "__main__":
    main()
