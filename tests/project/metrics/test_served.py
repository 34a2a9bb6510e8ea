"""The metrics that issuer and API serve on a separate port, with two workers each."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from project.launch import environment, processes
from project.launch.ports import Ports
from project.launch.processes import Child
from tests import marks, prepared
from tests.ports import free
from tests.project.test_serve import serve

pytestmark = [*marks.serve]
WITHIN = 120  # seconds: a busy machine needs some
FORM = {"grant_type": "client_credentials", "scope": "notes:read"}


@dataclass(frozen=True)
class Served:
    child: Child
    metrics: str

    def value(self, series: str) -> float | None:
        """Return the value of a series, or None if there is no such series. `series` is its name with labels."""
        text = requests.get(self.metrics, timeout=WITHIN).text
        sample = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
        return float(sample[1]) if sample else None

    def wait_for(self, series: str) -> float:
        """Wait until there is a series with this name, which a thread adds in the background. Return its value."""
        deadline = time.monotonic() + WITHIN
        while (value := self.value(series)) is None:
            assert time.monotonic() < deadline, f"{series} did not come"
            time.sleep(0.05)
        return value


@pytest.fixture(scope="module")
def system(tmp_path_factory) -> Iterator[dict[str, Served]]:
    var = prepared.copy(tmp_path_factory)
    where = Ports(free(), free(), free())
    variables = environment.prepare(where, {}, var)
    prepared.set_up(variables, var, where)
    variables.api["REVOCATIONS_EVERY"] = "1"
    served = {}
    try:
        for name in ("issuer", "api"):
            port = str(free())
            own = getattr(variables, name) | {"METRICS_PORT": port}
            child = serve(own, where.url(name), var / f"{name}.log", "--workers", "2", "--end-with-stdin")
            served[name] = Served(child, f"http://127.0.0.1:{port}/metrics")
        processes.wait_until_ready(served["api"].child, "/readyz")
        secret = variables.demo["SERVICE_CLIENT_SECRET"]
        for _ in range(5):
            answer = requests.post(f"{where.url('issuer')}/oauth/token", FORM, auth=("service", secret), timeout=WITHIN)
            headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            requests.get(f"{where.url('api')}/api/notes/", headers=headers, timeout=WITHIN)
        requests.get(f"{where.url('api')}/api/notes/", headers={"Authorization": "Bearer a.b.c"}, timeout=WITHIN)
        yield served
    finally:
        processes.stop([server.child for server in served.values()])


def test_both_workers_of_the_issuer_are_one_sum(system):
    issuer = system["issuer"]
    issued = 'keyturn_tokens_issued_total{client_kind="confidential",grant_type="client_credentials"}'
    assert issuer.value(issued) == 5
    assert issuer.value('keyturn_request_duration_seconds_count{endpoint="token",status="2xx"}') == 5


@pytest.mark.parametrize(
    "series",
    [
        'keyturn_signing_key_started_timestamp_seconds{ring="default"}',
        'keyturn_rotation_timestamp_seconds{ring="default"}',
        'keyturn_snapshot_timestamp_seconds{ring="default"}',
        "keyturn_feed_polled_timestamp_seconds",
    ],
)
def test_a_point_in_time_is_of_today(system, series):
    assert abs(system["issuer"].wait_for(series) - time.time()) < 40 * 86_400


def test_the_state_of_the_issuer_is_exposed(system):
    issuer = system["issuer"]
    assert issuer.wait_for('keyturn_standby_ready{ring="default"}') == 1
    assert issuer.wait_for('keyturn_can_sign{ring="default"}') == 1
    assert issuer.wait_for('keyturn_circuit_open{dependency="cache:default"}') == 0
    assert issuer.wait_for("keyturn_feed_version") >= 0


def test_the_api_counts_tokens_fetches_and_polls(system):
    api, name = system["api"], system["issuer"].child.url
    assert api.value('keyturn_api_tokens_total{reason="",result="accepted"}') == 5
    assert api.value('keyturn_api_tokens_total{reason="malformed",result="refused"}') == 1
    assert api.value(f'keyturn_api_jwks_fetches_total{{issuer="{name}",result="read"}}') >= 1
    assert api.wait_for(f'keyturn_api_feed_polls_total{{issuer="{name}",result="read"}}') >= 1
    heard = api.wait_for(f'keyturn_api_feed_heard_timestamp_seconds{{issuer="{name}"}}')
    assert abs(heard - time.time()) < WITHIN


def test_the_served_port_has_no_metrics(system):
    issuer, api = system["issuer"].child.url, system["api"].child.url
    assert requests.get(f"{issuer}/metrics", timeout=WITHIN).status_code == 404
    assert requests.get(f"{api}/metrics", timeout=WITHIN).status_code == 404
