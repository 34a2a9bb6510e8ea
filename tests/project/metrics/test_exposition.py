"""The port that exposes the metrics of all worker processes of a server."""

import http.client
import ipaddress
import os
import subprocess
import sys
from pathlib import Path

import pytest

from project.metrics import exposition
from project.metrics.exposition import Exposition, MetricsPort, exposed, is_within
from tests import marks
from tests.ports import free

pytestmark = [*marks.programs]
ROOT = Path(__file__).resolve().parent.parent.parent.parent
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
WORKER = """
import sys
from project.metrics import catalog
from resources.telemetry import metrics, prometheus
prometheus.attach(catalog.METRICS)
metrics.add(catalog.ISSUED, "client_credentials", "public", amount=float(sys.argv[1]))
metrics.put(catalog.FEED_VERSION, float(sys.argv[1]))
metrics.put(catalog.SNAPSHOT, float(sys.argv[1]), "default")
if sys.argv[2] == "stay":
    print("ready", flush=True)
    sys.stdin.read()
"""


def worker(folder, value, end="go"):
    """Start a process that writes metrics files to `folder`: it counts `value` tokens, and sets gauges to `value`.

    With `end="stay"`, the process prints "ready" and runs until its stdin is closed.
    """
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(value), end],
        cwd=ROOT,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def serve(tmp_path):
    """Yield a function that starts the metrics port, for clients in the given `networks`.

    The function returns `get`, which sends a request to the port and returns the status and the body.
    """
    servers = []

    def start(networks):
        server = Exposition(MetricsPort("127.0.0.1", free(), networks), tmp_path)
        servers.append(server)
        exposition.threading.Thread(target=server.serve_forever, daemon=True).start()

        def get(path="/metrics", method="GET"):
            connection = http.client.HTTPConnection(*server.server_address[:2], timeout=60)
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

        return get

    yield start
    for server in servers:
        exposition.stop(server)


def test_counters_of_all_workers_are_added_and_gauges_of_exited_ones_are_dropped(tmp_path, serve):
    ended, first, second = worker(tmp_path, 1), worker(tmp_path, 2, "stay"), worker(tmp_path, 4, "stay")
    try:
        assert ended.wait(60) == 0
        assert [process.stdout.readline() for process in (first, second)] == ["ready\n", "ready\n"]
        status, text = serve(LOOPBACK)()
        assert status == 200
        assert 'keyturn_tokens_issued_total{client_kind="public",grant_type="client_credentials"} 7.0' in text
        assert 'keyturn_snapshot_timestamp_seconds{ring="default"} 2.0' in text
        assert "keyturn_feed_version 4.0" in text
    finally:
        for process in (ended, first, second):
            process.communicate("", timeout=60)
    _, body = exposed(tmp_path)
    assert b"keyturn_tokens_issued_total" in body
    assert b"keyturn_snapshot_timestamp_seconds{" not in body


def test_only_the_networks_of_the_settings_are_answered(serve):
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        serve([ipaddress.ip_network("10.0.0.0/8")])()
    assert serve(LOOPBACK)()[0] == 200


def test_there_is_no_other_path_and_no_other_method(serve):
    get = serve(LOOPBACK)
    assert get("/")[0] == get("/metrics/../etc")[0] == 404
    assert get(method="POST")[0] == 501


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_an_address_of_this_machine_is_within(address):
    assert is_within(address, LOOPBACK)


@pytest.mark.parametrize("address", ["10.0.0.1", "::2", "::ffff:10.0.0.1"])
def test_another_address_is_not(address):
    assert not is_within(address, LOOPBACK)


def test_a_taken_port_ends_the_process_with_a_reason(serve, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    serve(LOOPBACK)
    port = free()
    with exposition.socket.create_server(("127.0.0.1", port)), pytest.raises(SystemExit, match=f"METRICS_PORT {port}"):
        exposition.start(MetricsPort("127.0.0.1", port, LOOPBACK))
