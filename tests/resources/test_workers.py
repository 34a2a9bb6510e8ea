"""A key rotation under 64 threads in each of four forked workers causes one fetch per process. No request fails."""

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from resources.testing import SigningKey, jwks, mint
from tests.resources.api_process import ROOT, api
from tests.resources.loopback import Loopback

AUDIENCE = "http://localhost:8001/"
OLD, NEW, EMERGENCY = SigningKey(), SigningKey(), SigningKey()
THREADS, ROUNDS = 64, 5

Workers = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def workers(issuer: Loopback, tmp_path: Path) -> Iterator[Workers]:
    """Yield a function that sends a command to all four workers and returns their answers."""
    issuer.publish(jwks(OLD))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "project.settings.api",
        "DEBUG": "true",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "API_ISSUERS": issuer.url,
        "API_AUDIENCE": AUDIENCE,
        "API_DATABASE_URL": "sqlite://:memory:",
    }
    script = Path(__file__).with_name("rotation_worker.py")
    with (tmp_path / "log").open("w") as log, subprocess.Popen(
        [sys.executable, str(script)], env=environment, cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        incoming, outgoing = process.stdin, process.stdout

        def verify_in_process(*keys: SigningKey, wind: float = 0, rounds: int = ROUNDS) -> list[dict[str, Any]]:
            tokens = [mint(key=key, iss=issuer.url, aud=AUDIENCE) for key in keys]
            print(json.dumps({"tokens": tokens, "rounds": rounds, "wind": wind}), file=incoming, flush=True)
            line = outgoing.readline()
            assert line, (tmp_path / "log").read_text()
            return list(json.loads(line))

        yield verify_in_process
        incoming.close()
        assert process.wait(30) == 0


def all_good(count: int, fetches: int) -> list[dict[str, Any]]:
    return [{"accepted": count, "fetches": fetches, "hanging": 0, "landed": True}] * 4


@pytest.mark.processes
def test_a_rotation_costs_each_process_one_fetch_and_no_request_fails(workers: Workers, issuer: Loopback) -> None:
    many = THREADS * ROUNDS
    assert workers(OLD) == all_good(many, 0)  # the parent's keys came along through the fork

    issuer.publish(jwks(OLD, NEW))  # the new key is published, and the old key still signs
    assert workers(OLD, wind=290) == all_good(many, 1)  # due, and fetched in the background
    assert workers(OLD, NEW) == all_good(2 * many, 1)  # the new key signs, and every process has it already

    issuer.publish(jwks(NEW))  # withdrawn
    assert workers(NEW, wind=290) == all_good(many, 2)
    for answer in workers(OLD, rounds=1):
        assert answer["refused KEY"] + answer.get("later", 0) == THREADS
    assert issuer.fetches() <= 1 + 4 * (2 + 2)


@pytest.mark.processes
def test_a_key_without_announcement_costs_each_process_one_fetch_and_is_never_called_unknown(
    workers: Workers, issuer: Loopback
) -> None:
    workers(OLD, rounds=1)
    issuer.publish(jwks(OLD, EMERGENCY))
    for answer in workers(EMERGENCY):
        assert answer["fetches"] == 1
        assert answer["accepted"] + answer.get("later", 0) == THREADS * ROUNDS
        assert answer["accepted"] >= 8
    assert [answer["accepted"] for answer in workers(EMERGENCY)] == [THREADS * ROUNDS] * 4
    assert issuer.fetches() == 1 + 4


@pytest.mark.processes
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_threads_and_an_event_loop_serve_alike(issuer: Loopback, tmp_path: Path, interface: str) -> None:
    issuer.publish(jwks(OLD))
    statuses: list[int] = []
    with api(tmp_path, issuers=issuer.url, interface=interface, workers=2) as running:
        headers = {"X-Forwarded-Proto": "https"}

        def request() -> None:
            for _ in range(5):
                token = mint(key=OLD, iss=issuer.url, aud=AUDIENCE)
                for _ in range(100):  # "try later" is the answer while a process has no keys and others wait for them
                    status, answered, _ = running.get("/api/whoami/", {**headers, "Authorization": f"Bearer {token}"})
                    if (status, answered.get("retry-after")) != (503, "1"):
                        break
                    time.sleep(0.02)
                statuses.append(status)

        # The first request of each process finds no keys; at most half of the threads wait for them.
        threads = [threading.Thread(target=request) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        # The kernel spreads connections as it likes: go on until the second process has its keys, too.
        rounds = 0
        while issuer.fetches() < 2 and rounds < 200:
            request()
            rounds += 1
        # One for each process, of many requests. On a busy machine a fetch can pass its deadline, and is repeated.
        assert 2 <= issuer.fetches() <= 4
        issuer.stop()
        request()
    assert statuses == [200] * (40 + 5 * rounds + 5)


@pytest.mark.processes
def test_with_an_issuer_that_is_down_the_process_starts_and_answers_503(issuer: Loopback, tmp_path: Path) -> None:
    issuer.stop()
    with api(tmp_path, issuers=issuer.url) as running:
        headers = {"X-Forwarded-Proto": "https", "Authorization": f"Bearer {mint(key=OLD)}"}
        status, answered, _ = running.get("/api/whoami/", headers)
        assert (status, answered["retry-after"]) == (503, "1")
        assert running.get("/readyz")[0] == 503
        assert running.get("/healthz")[0] == 200
        assert running.get("/api/whoami/", {"X-Forwarded-Proto": "https"})[0] == 401
