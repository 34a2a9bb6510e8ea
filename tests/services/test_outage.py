"""The database of a running issuer cannot be reached.

Until `snapshot_age` has passed, the issuer answers as before. After that, it refuses requests until the database is
back.
"""

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
from tests.ports import free
from tests.services.conftest import ROOT, Issuer, ready, serve, wait_for
from tests.services.proxy import Proxy

pytestmark = [pytest.mark.services, pytest.mark.outage]

N = 6.0  # seconds
REREAD = 1.0  # seconds: so old a snapshot may be when it is used while the database is there
TIMINGS = {
    "snapshot_age": N,
    "reread": REREAD,
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
    """A running issuer, and a process that signs messages. Both reach the database only through a proxy."""

    url: str
    proxy: Proxy
    signing: "subprocess.Popen[str]"

    def get(self, path: str = "/.well-known/jwks.json") -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=60)

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
        ready(child)
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


def test_an_outage_changes_no_answer_for_n_and_then_requests_are_refused_until_it_ends(served: Served) -> None:
    began = time.monotonic()
    whole, signed = served.get(), served.sign()
    assert (whole.status_code, signed["verifies"]) == (200, True)
    served.proxy.close()
    gone = time.monotonic()
    last_asked, refused_at = until_refused(served, whole, signed)
    assert last_asked < gone + N, "no answer from keys that were read longer ago"
    assert refused_at > began - REREAD + N, "no refusal before"
    refused(served)
    served.proxy.open()
    wait_for(lambda: served.get().content == whole.content)
    wait_for(lambda: served.sign() == signed)
    wait_for(lambda: served.get("/readyz").status_code == 200)


def test_an_outage_that_is_shorter_than_n_changes_no_answer(served: Served) -> None:
    began = time.monotonic()
    whole, signed = served.get(), served.sign()
    served.proxy.close()
    while True:
        answer, again = served.get(), served.sign()
        if time.monotonic() > began - REREAD + N:  # a busy machine may have asked too late
            break
        assert (answer.content, again) == (whole.content, signed)
    served.proxy.open()
    wait_for(lambda: served.get("/readyz").status_code == 200)
    assert served.get().content == whole.content
    assert served.sign() == signed


def until_refused(served: Served, whole: requests.Response, signed: dict[str, object]) -> tuple[float, float]:
    """Request the JWKS until the issuer refuses it. Return two times, in seconds of the monotonic clock.

    The first is when the last successful request was sent, the second is when the refusal came. Asserts that each
    earlier response is equal to `whole`. At each request, the signing process must return `signed` again, or refuse to
    sign.
    """
    last_asked, began = 0.0, time.monotonic()
    while (answer := served.get()).status_code == 200:
        last_asked = began
        assert (answer.content, answer.headers["ETag"]) == (whole.content, whole.headers["ETag"])
        assert "refused" in (again := served.sign()) or again == signed
        began = time.monotonic()
    return last_asked, time.monotonic()


def refused(served: Served) -> None:
    """Assert that the issuer refuses to serve the JWKS and to sign, although its process is alive.

    Both refusals say that the client can retry after 5 seconds.
    """
    answer = served.get()
    assert answer.status_code == 503
    assert {name: answer.headers[name] for name in ("Retry-After", "Cache-Control", "Access-Control-Allow-Origin")} == {
        "Retry-After": "5",
        "Cache-Control": "no-store",
        "Access-Control-Allow-Origin": "*",
    }
    expected = {"refused": "the keys could not be read from the database for too long", "retry_after": 5}
    wait_for(lambda: served.sign() == expected)
    assert served.get("/healthz").status_code == 200
    assert served.get("/readyz").status_code == 503
