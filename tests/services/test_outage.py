"""The database goes away from a running issuer: for N nobody notices, then it refuses, and it recovers by itself."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from project.launch import processes
from project.launch.ports import free
from tests.services.conftest import ROOT, Issuer, serve, wait_for
from tests.services.proxy import Proxy

pytestmark = [pytest.mark.services, pytest.mark.outage]

N = 6.0  # seconds
SLACK = 2.0  # seconds: a snapshot may be a second old when the outage begins, and a busy machine answers late
TIMINGS = {
    "snapshot_age": N,
    "reread": 1,
    "shared_cache": 1,
    "api_copy": 1,
    "clock_error": 2,
    "token_lifetime": 6,
    "leeway": 1,
    "announce": 20,
    "keep": 20,
}


@dataclass(frozen=True, slots=True)
class Served:
    """An issuer and a process that signs, which reach their database through a proxy only."""

    url: str
    proxy: Proxy
    signing: "subprocess.Popen[str]"

    def get(self, path: str = "/.well-known/jwks.json") -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=10)

    def sign(self) -> dict[str, object]:
        assert self.signing.stdin
        assert self.signing.stdout
        print(file=self.signing.stdin, flush=True)
        return json.loads(self.signing.stdout.readline())


@pytest.fixture
def served(issuer: Issuer, tmp_path: Path) -> Iterator[Served]:
    database = urlsplit(issuer.variables["DATABASE_URL"])
    proxy = Proxy((database.hostname or "127.0.0.1", database.port or 5432))
    url = f"http://localhost:{free()}"
    timings = {"ISSUER_URL": url, "KEY_TIMINGS": ",".join(f"{name}={seconds}" for name, seconds in TIMINGS.items())}
    Issuer(issuer.variables | timings).run("rotate_keys")
    credentials = database.netloc.rpartition("@")[0]
    through = database._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}").geturl()
    proxied = Issuer(issuer.variables | timings | {"DATABASE_URL": through})
    child = serve(proxied, url, tmp_path / "issuer.log", workers=1)
    try:
        processes.wait_until_ready(child, "/readyz")
        with signing(proxied) as process:
            yield Served(url, proxy, process)
            assert process.stdin
            process.stdin.close()
    finally:
        processes.stop([child])
        proxy.close()


def signing(issuer: Issuer) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.services.signatures"],
        cwd=ROOT,
        env=issuer.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_for_n_an_outage_goes_unnoticed_then_it_is_refused_and_afterwards_all_goes_on(served: Served) -> None:
    whole, signed = served.get(), served.sign()
    assert (whole.status_code, signed["verifies"]) == (200, True)
    served.proxy.close()
    gone = time.monotonic()
    jwks, seen = until_refused(served, whole, signed)
    assert N - SLACK < jwks - gone < N + SLACK
    assert seen > 10
    refused(served)
    served.proxy.open()
    wait_for(lambda: served.get().content == whole.content, within=10)
    wait_for(lambda: served.sign() == signed, within=10)
    wait_for(lambda: served.get("/readyz").status_code == 200, within=10)


def test_an_outage_that_is_shorter_than_n_is_noticed_by_nobody(served: Served) -> None:
    whole, signed = served.get(), served.sign()
    served.proxy.close()
    gone = time.monotonic()
    while time.monotonic() - gone < N - SLACK:
        assert served.get().content == whole.content
        assert served.sign() == signed
    served.proxy.open()
    wait_for(lambda: served.get("/readyz").status_code == 200, within=10)
    assert served.get().content == whole.content
    assert served.sign() == signed


def until_refused(served: Served, whole: requests.Response, signed: dict[str, object]) -> tuple[float, int]:
    """When the JWKS was refused, and how often it and a signature were had until then, unchanged."""
    seen = 0
    deadline = time.monotonic() + N + 10
    while (answer := served.get()).status_code == 200:
        assert time.monotonic() < deadline
        assert (answer.content, answer.headers["ETag"]) == (whole.content, whole.headers["ETag"])
        assert "refused" in (again := served.sign()) or again == signed
        seen += 1
    return time.monotonic(), seen


def refused(served: Served) -> None:
    """Both are refused, and say when to ask again; the process itself is alive."""
    answer = served.get()
    assert answer.status_code == 503
    assert {name: answer.headers[name] for name in ("Retry-After", "Cache-Control", "Access-Control-Allow-Origin")} == {
        "Retry-After": "5",
        "Cache-Control": "no-store",
        "Access-Control-Allow-Origin": "*",
    }
    told = {"refused": "the keys could not be read from the database for too long", "retry_after": 5}
    wait_for(lambda: served.sign() == told, within=N)
    assert served.get("/healthz").status_code == 200
    assert served.get("/readyz").status_code == 503
