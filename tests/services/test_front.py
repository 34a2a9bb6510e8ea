"""Requests that wait for the database are answered 503 in time. They change nothing in the database afterwards.

The JWKS, the metadata and /healthz need no database, and are served all the time.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import psycopg
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from project.launch import processes
from tests.ports import free
from tests.services.conftest import WAITING, Issuer, ready, serve, wait_for
from tests.services.test_token_races import CALLBACK, REFRESH, REGISTER

pytestmark = [pytest.mark.services, pytest.mark.outage]
WITHIN = 5.0  # seconds
SLACK = 15.0  # seconds, on a machine that is busy; without the bound requests wait until the test's own 60 s
TIMEOUT = 60  # seconds
THREADS = 8
AT_ONCE = 3 * THREADS


@pytest.fixture
def served(issuer: Issuer, tmp_path: Path) -> Iterator[Issuer]:
    url = f"http://localhost:{free()}"
    own = Issuer(issuer.variables | {"ISSUER_URL": url, "ANSWER_WITHIN": str(WITHIN)})
    own.run("rotate_keys")
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))
    given = json.dumps({"callback": CALLBACK, "jwks": json.dumps({"keys": [jwk | {"kid": "own"}]})})
    own.run("shell", "-v", "0", "--no-imports", "-c", REGISTER.format(given=given))
    child = serve(own, url, tmp_path / "issuer.log", workers=1)
    try:
        ready(child)
        yield own
    finally:
        processes.stop([child])


def refresh(url: str, text: str) -> tuple[requests.Response, float]:
    form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": "app"}
    started = time.monotonic()
    answer = requests.post(f"{url}/oauth/token", data=form, timeout=TIMEOUT)
    return answer, time.monotonic() - started


def test_requests_that_wait_for_the_database_are_503_in_time_and_spend_nothing_later(served: Issuer) -> None:
    url = served.variables["ISSUER_URL"]
    text = served.run("shell", "-v", "0", "--no-imports", "-c", REFRESH).strip()
    before = served.rows("SELECT digest FROM tokens_refreshtoken")
    with ThreadPoolExecutor(THREADS) as pool:  # each thread of the issuer opens its connection
        list(pool.map(lambda _: refresh(url, "another"), range(THREADS)))
    with psycopg.connect(served.variables["DATABASE_URL"]) as blocker, ThreadPoolExecutor(AT_ONCE) as pool:
        blocker.execute("LOCK TABLE tokens_refreshtoken IN ACCESS EXCLUSIVE MODE")
        waiting = [pool.submit(refresh, url, text) for _ in range(AT_ONCE)]
        served.wait_for_number(WAITING, THREADS // 2)
        requests_sent = 0
        while not all(future.done() for future in waiting):
            for path in ("/.well-known/jwks.json", "/.well-known/openid-configuration", "/healthz"):
                assert requests.get(url + path, timeout=TIMEOUT).status_code == 200
            requests_sent += 1
            threading.Event().wait(0.05)
        assert requests_sent, "documents were served while all of them waited"
        answers = [future.result() for future in waiting]
    assert {(answer.status_code, answer.headers["Retry-After"]) for answer, _ in answers} == {(503, "5")}
    assert {answer.json()["error"] for answer, _ in answers} == {"temporarily_unavailable"}
    assert max(took for _, took in answers) < WITHIN + 1 + SLACK
    wait_for(lambda: served.rows(WAITING)[0][0] == 0)
    wait_for(lambda: requests.get(f"{url}/readyz", timeout=TIMEOUT).status_code == 200)
    for _ in range(3):  # the threads that were abandoned had their turn by the time that others have answered
        answer, _ = refresh(url, "another")
        assert answer.status_code == 400
    assert served.rows("SELECT digest FROM tokens_refreshtoken") == before, "an abandoned refresh spent the token"
    first, _ = refresh(url, text)
    assert first.status_code == 200
    second, _ = refresh(url, first.json()["refresh_token"])
    assert second.status_code == 200
