"""Issuer and API served by the command `serve`, as real processes, with raw sockets and kill -9."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests
from drf_spectacular_sidecar import __file__ as sidecar

from project.launch import environment, processes
from project.launch.ports import Ports
from project.launch.processes import Child
from project.launch.workers import START_WITHIN
from tests import marks, prepared
from tests.ports import free

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [*marks.serve]
TIMEOUT = 60  # seconds: a busy machine needs some, and only what hangs needs all
FORM_WITHIN = 10.0 - 1  # seconds: a bit less than a body may take, which a request waits that has to wait for bodies


def wait_for(condition: Callable[[], bool], *, within: float = TIMEOUT) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def serve(own: dict[str, str], url: str, log: Path, *arguments: str) -> Child:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "project.launch.serve", *arguments, url.rpartition(":")[2]],
            cwd=ROOT,
            env=processes.variables_for(own, os.environ),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    child = Child("server", url, log, process)
    processes.wait_until_ready(child, "/healthz", within=180)
    return child


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, str]], Ports, Path]:
    var, where = prepared.copy(tmp_path_factory), Ports(free(), free(), free())
    variables = environment.prepare(where, {}, var)
    return {"issuer": variables.issuer, "api": variables.api}, where, var


@pytest.fixture(scope="module")
def issuer(home) -> Iterator[Child]:
    variables, where, var = home
    child = serve(
        variables["issuer"] | {"ALLOWED_HOSTS": "localhost", "BEHIND_PROXY": "true"}, where.url("issuer"), var / "log"
    )
    yield child
    processes.stop([child])


@pytest.fixture(params=["issuer", "api"])
def two_workers(request, home, tmp_path) -> Iterator[Child]:
    variables, _, _ = home
    url = f"http://127.0.0.1:{free()}"
    own = variables[request.param] | {"ALLOWED_HOSTS": "127.0.0.1"}
    child = serve(own, url, tmp_path / "log", "--workers", "2", "--end-with-stdin")
    wait_for(lambda: len(workers(child)) == 2, within=TIMEOUT + START_WITHIN)
    yield child
    processes.stop([child])


def workers(child: Child) -> set[int]:
    """Return the ids of the server's worker processes, which are its children with a listening socket."""
    ids = set()
    for process in psutil.Process(child.process.pid).children():
        try:
            if any(connection.status == psutil.CONN_LISTEN for connection in process.net_connections()):
                ids.add(process.pid)
        except psutil.Error:
            continue
    return ids


def is_listening(child: Child) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(child.url.rpartition(":")[2]))) == 0


@pytest.mark.outage
def test_a_killed_worker_is_replaced_and_the_other_serves_on(two_workers):
    for _ in range(3):  # the replacement as well, as young as it is
        before = workers(two_workers)
        dead, healthy = max(before), min(before)
        os.kill(dead, signal.SIGKILL)
        wait_for(lambda gone=dead: not psutil.pid_exists(gone))
        for _ in range(5):
            assert requests.get(f"{two_workers.url}/healthz", timeout=TIMEOUT).status_code == 200
        wait_for(lambda: len(workers(two_workers)) == 2)
        assert healthy in workers(two_workers)
        assert two_workers.process.poll() is None


@pytest.mark.outage
def test_both_workers_are_replaced_when_both_are_killed(two_workers):
    before = workers(two_workers)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(workers(two_workers) - before) == 2, within=TIMEOUT + START_WITHIN)
    assert requests.get(f"{two_workers.url}/healthz", timeout=TIMEOUT).status_code == 200


@pytest.mark.parametrize("end", ["SIGTERM", "stdin", "SIGKILL"])
def test_no_worker_and_no_port_is_left_after_the_server_stops_not_even_a_replaced_one(two_workers, end):
    before = workers(two_workers)
    os.kill(max(before), signal.SIGKILL)
    wait_for(lambda: len(workers(two_workers) - {max(before)}) == 2)
    left = workers(two_workers)
    if end == "stdin":
        two_workers.process.stdin.close()
        two_workers.process.stdin = None
    else:
        two_workers.process.send_signal(getattr(signal, end))
    assert two_workers.process.wait(TIMEOUT) == {"SIGTERM": 0, "stdin": 0, "SIGKILL": -9}[end]
    wait_for(lambda: not any(map(psutil.pid_exists, left)) and not is_listening(two_workers))


def test_a_server_whose_workers_never_come_up_gives_up(home, tmp_path):
    variables, _, _ = home
    (tmp_path / "broken.py").write_text(
        "from project.settings.api import *\nWSGI_APPLICATION = 'no.such.application'\nINSTALLED_APPS = ['resources']\n"
    )
    own = variables["api"] | {"DJANGO_SETTINGS_MODULE": "broken", "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    result = subprocess.run(
        [sys.executable, "-m", "project.launch.serve", str(free())],
        cwd=ROOT,
        env=processes.variables_for(own, os.environ),
        capture_output=True,
        text=True,
        timeout=5 * TIMEOUT,
        check=False,
    )
    assert result.returncode == 1
    assert "No worker stays alive" in result.stdout + result.stderr


HANGS_ONCE = """
import pathlib, threading
mark = pathlib.Path(__file__).with_name("first")
try:
    mark.touch(exist_ok=False)
except FileExistsError:
    from project.wsgi import application
else:
    threading.Event().wait()
"""
"""A WSGI application whose first load never ends."""
QUICKER = "from project.launch import serve, workers; workers.START_WITHIN = 5.0; serve.main([{arguments}])"


def test_a_worker_that_hangs_at_its_start_is_replaced_while_the_other_serves(home, tmp_path):
    variables, _, _ = home
    (tmp_path / "hangs_once.py").write_text(HANGS_ONCE)
    (tmp_path / "hanging.py").write_text(
        "from project.settings.api import *\nWSGI_APPLICATION = 'hangs_once.application'\n"
    )
    own = variables["api"] | {"DJANGO_SETTINGS_MODULE": "hanging", "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    own |= {"ALLOWED_HOSTS": "127.0.0.1"}
    url, log = f"http://127.0.0.1:{free()}", tmp_path / "log"
    arguments = f"'{url.rpartition(':')[2]}', '--workers', '2'"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", QUICKER.format(arguments=arguments)],
            cwd=ROOT, env=processes.variables_for(own, os.environ), stdout=output, stderr=subprocess.STDOUT,
            process_group=0,
        )  # fmt: skip
    child = Child("server", url, log, process)
    try:
        processes.wait_until_ready(child, "/healthz", within=180)
        healthy = workers(child)
        wait_for(lambda: len(workers(child)) == 2)
        assert healthy < workers(child)
        assert "which did not start within 5 s" in log.read_text()
    finally:
        processes.stop([child])


def raw(child: Child, request: bytes, *, within: float = TIMEOUT) -> bytes:
    """Send the bytes `request`, and return the bytes of the answer.

    Reads until the answer has the length in its Content-Length, the server closes the connection, or nothing comes for
    `within` seconds.
    """
    with socket.create_connection(("127.0.0.1", int(child.url.rpartition(":")[2])), timeout=within) as wire:
        wire.sendall(request)
        answer = b""
        try:
            while part := wire.recv(65536):
                answer += part
                head, end, body = answer.lower().partition(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                if end and length and len(body) >= int(length[1]):
                    break
        except TimeoutError:
            pass
        return answer


@pytest.mark.parametrize("size", [1_000, 15_000, 60_000])
def test_forty_half_sent_forms_stop_nothing(issuer, size):
    address = ("127.0.0.1", int(issuer.url.rpartition(":")[2]))
    head = f"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    wires = [socket.create_connection(address) for _ in range(40)]
    try:
        for wire in wires:
            wire.sendall(head.encode() + b"a" * (size // 2))
        session = requests.Session()
        for path in ("/healthz", "/.well-known/jwks.json", "/.well-known/openid-configuration", "/readyz"):
            assert session.get(issuer.url + path, timeout=FORM_WITHIN).status_code == 200
        assert session.post(f"{issuer.url}/oauth/token", data={"a": "b"}, timeout=FORM_WITHIN).status_code == 400
        if size == 1_000:
            wires[0].settimeout(TIMEOUT)
            assert wires[0].recv(1024).startswith(b"HTTP/1.1 408 ")
    finally:
        for wire in wires:
            wire.close()


@pytest.mark.parametrize("host", [b"", b"Host: 10.0.0.5\r\n", b"Host: elsewhere.example\r\n", b"Host: a b\r\n"])
def test_probes_are_answered_for_any_host(issuer, host):
    for path in (b"/healthz", b"/readyz"):
        version = b"HTTP/1.1" if host else b"HTTP/1.0"
        assert b" 200 OK\r\n" in raw(issuer, b"GET " + path + b" " + version + b"\r\n" + host + b"\r\n")
    assert b" 400 " in raw(issuer, b"GET /accounts/login/ HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n")


def test_a_foreign_host_is_one_line_with_the_remedy_and_no_traceback(issuer):
    before = issuer.log.read_text().count("proxy_set_header Host $host")
    for name in ("one.example", "two.example", "three.example"):
        raw(issuer, f"GET /accounts/login/ HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    log = issuer.log.read_text()
    assert max(1, before) <= log.count("proxy_set_header Host $host") <= before + 1
    assert log.count("ALLOWED_HOSTS") >= 1
    assert "Traceback" not in log


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X-Forwarded_Proto"])
def test_a_spelling_that_imitates_the_proxy_is_refused_on_the_wire(issuer, name):
    request = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{name}: 192.0.2.1\r\n\r\n"
    assert raw(issuer, request.encode()).startswith(b"HTTP/1.1 400 ")


def test_a_connection_is_kept_for_the_next_request_after_any_first_one(issuer):
    connection = http.client.HTTPConnection("localhost", int(issuer.url.rpartition(":")[2]), timeout=TIMEOUT)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Host": "localhost"}
    etag, local = None, None
    for method, path, headers, body, status, length in (
        ("GET", "/.well-known/jwks.json", {}, None, 200, None),
        ("HEAD", "/.well-known/jwks.json", {}, None, 200, 0),
        ("POST", "/oauth/token", form, b"a=b", 400, None),
        ("POST", "/oauth/token", form, iter([b"a=", b"b"]), 400, None),
        ("POST", "/oauth/token", form, None, 400, None),
        ("GET", "/static/admin/css/base.css", {}, None, 200, None),
        ("HEAD", "/static/admin/css/base.css", {}, None, 200, 0),
        ("OPTIONS", "/.well-known/jwks.json", {}, None, 405, None),
        ("GET", "/.well-known/jwks.json", {"If-None-Match": "etag"}, None, 304, 0),
    ):
        named = {name: etag if value == "etag" else value for name, value in headers.items()}
        connection.request(method, path, body, named, encode_chunked=not isinstance(body, bytes | None))
        local = local or connection.sock.getsockname()
        answer = connection.getresponse()
        content = answer.read()
        assert (answer.status, connection.sock.getsockname()) == (status, local), (method, path, content)
        assert length is None or len(content) == length
        if status == 304:  # RFC 9110 section 8.6: a Content-Length would have to be that of the 200
            assert (answer.headers["Content-Length"], answer.headers["Content-Type"]) == (None, None)
        if method == "HEAD":
            assert int(answer.headers["Content-Length"]) > 500
        etag = answer.headers["ETag"] if path.endswith("jwks.json") and answer.headers["ETag"] else etag
    connection.close()


def test_a_large_file_arrives_whole(home, tmp_path):
    variables, _, _ = home
    name = "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    content = (Path(sidecar).parent / "static" / name).read_bytes()
    child = serve(variables["api"], f"http://localhost:{free()}", tmp_path / "log")
    try:
        answer = requests.get(f"{child.url}/static/{name}", timeout=TIMEOUT)
        assert (answer.status_code, answer.content == content) == (200, True)
        part = requests.get(f"{child.url}/static/{name}", headers={"Range": "bytes=10-19"}, timeout=TIMEOUT)
        assert (part.status_code, part.content) == (206, content[10:20])
    finally:
        processes.stop([child])
