"""Measurements of the revocation feed that are the same for this build and for the earlier build."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import requests

from bench.issuers import Served
from bench.priority import ahead
from bench.revocation_rows import arrive

FEED, JWKS = "/oauth/revocations", "/.well-known/jwks.json"
POLLS, READERS, ROUNDS = 300, 8, 8
WINDOW = 2.0  # seconds in which every reader polls twice
ARRIVING = 100  # revocations a second while readers poll
SETTLED = 3.0  # seconds until every reader has read the feed once


def ratio_of_304(served: Served, tag: str, *, times: int = POLLS) -> float:
    """Return the CPU cost of a feed poll that is answered 304, divided by that of a JWKS request that is answered 304.

    `tag` is the ETag that the polls send. Each of ROUNDS rounds measures JWKS requests and then `times` polls. The
    result is the median over the rounds, because on a busy machine the CPU time of one request varies by half.
    """
    with requests.Session() as session:
        jwks = session.get(served.url + JWKS, timeout=60).headers["ETag"]

        def expect_304(path: str, etag: str) -> None:
            answer = session.get(served.url + path, headers={"If-None-Match": etag}, timeout=60)
            assert answer.status_code == 304, (path, answer.status_code)

        def ratio() -> float:
            unit = served.cost(lambda: expect_304(JWKS, jwks), times=POLLS)
            return served.cost(lambda: expect_304(FEED, tag), times=times) / unit

        return statistics.median(ratio() for _ in range(ROUNDS))


def beside_readers(served: Served, *, arriving: bool) -> tuple[float, float]:
    """Return the factor by which 8 readers of the feed slow down token requests, and the time without readers.

    A measurement is the mean time of the token requests in WINDOW seconds. The first measurement is without readers.
    Then, in each of ROUNDS rounds, one measurement is made while the readers poll, and the next without readers.

    The factor of a round is the measurement with readers, divided by the average of the two measurements before and
    after it. The returned factor is the median over the rounds. The returned time is the median of all measurements
    without readers, in milliseconds.

    The issuer, its connections to the database, the readers and this process have real-time priority during the rounds
    if that is allowed, so that other work on the machine hardly affects the result.
    """
    alone, ratios = [tokens(served)], []
    for _ in range(ROUNDS):
        with readers(served, arriving=arriving):
            beside = tokens(served)
        alone.append(tokens(served))
        ratios.append(beside / statistics.mean(alone[-2:]))
    return statistics.median(ratios), statistics.median(alone) * 1000


def tokens(served: Served) -> float:
    """Send token requests one after the other for WINDOW seconds. Return the mean duration of a request in seconds."""
    count = 0
    with ExitStack() as stack, requests.Session() as session:
        for process in (os.getpid(), *served.processes(), *served.connections()):
            stack.enter_context(ahead(process))
        start = time.perf_counter()
        while time.perf_counter() - start < WINDOW:
            served.token(session)
            count += 1
        return (time.perf_counter() - start) / count


@contextmanager
def readers(served: Served, *, arriving: bool) -> Iterator[None]:
    """Run READERS readers, each of which polls the feed of the issuer `served` every second, while the block runs.

    The readers run in a process of their own. If `arriving` is True, tokens are revoked at the same time.
    """
    command = [sys.executable, "-m", "bench.readers", served.url + FEED, str(READERS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    ended = threading.Event()
    thread = threading.Thread(target=_revoke, args=(served.database, ended))
    if arriving:
        thread.start()
    time.sleep(SETTLED)
    try:
        yield
    finally:
        ended.set()
        process.communicate(b"")
        if arriving:
            thread.join()


def _revoke(database: str, ended: threading.Event) -> None:
    """Revoke ARRIVING tokens per second, in ten transactions per second, until `ended` is set."""
    number = 0
    with psycopg.connect(database, autocommit=True) as connection:
        while not ended.wait(0.1):
            number += 1
            arrive(connection, [f"beside-{time.time_ns()}-{n}" for n in range(ARRIVING // 10)])
