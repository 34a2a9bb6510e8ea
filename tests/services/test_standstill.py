"""A process was suspended for some seconds, as if it got no processor time.

When it runs again, it answers requests immediately, and does not report a wrong clock.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from project.launch import processes
from tests.ports import free
from tests.services.conftest import Issuer, ready, serve

pytestmark = [pytest.mark.services, pytest.mark.outage]

SECRET = "c" * 43
CLIENTS = 6
STILL = [1.6, 5.0]
"""Seconds: longer than δ (1 s) and longer than N (4 s) of the development policy."""
TIMES = 4


@pytest.fixture
def served(issuer: Issuer, tmp_path: Path) -> Iterator[processes.Child]:
    url = f"http://localhost:{free()}"
    issuer = replace(issuer, variables=issuer.variables | {"ISSUER_URL": url, "KEY_POLICY": "development"})
    credentials = tmp_path / "demo.env"
    credentials.write_text(f"SERVICE_CLIENT_SECRET={SECRET}\n", encoding="utf-8")
    issuer.run("demo_setup", "--credentials", str(credentials), "--api-audience", "http://localhost:8001/")
    child = serve(issuer, url, tmp_path / "issuer.log", workers=1)
    try:
        ready(child)
        yield child
    finally:
        os.killpg(child.process.pid, signal.SIGCONT)
        processes.stop([child])


def asking(url: str, stop: threading.Event, said: Counter[tuple[int, str]]) -> None:
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    with requests.Session() as session:
        while not stop.is_set():
            answer = session.post(f"{url}/oauth/token", form, auth=("service", SECRET), timeout=60)
            said[answer.status_code, answer.json().get("error_description", "")] += 1


@pytest.mark.parametrize("seconds", STILL)
def test_after_a_standstill_nothing_is_refused(served: processes.Child, seconds: float) -> None:
    """No request is refused after the process was suspended at random moments.

    The suspension can come between the moments at which a request reads the node's clock and the database's clock.
    """
    stop, said = threading.Event(), Counter[tuple[int, str]]()
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(asking, served.url, stop, said) for _ in range(CLIENTS)]
        try:
            for _ in range(TIMES):
                answered = said.total()
                while said.total() < answered + 20 * CLIENTS and not any(future.done() for future in running):
                    time.sleep(0.01)
                os.killpg(served.process.pid, signal.SIGSTOP)
                time.sleep(seconds)
                os.killpg(served.process.pid, signal.SIGCONT)
        finally:
            stop.set()
        for future in running:
            future.result()
    assert said.keys() == {(200, "")}, said
