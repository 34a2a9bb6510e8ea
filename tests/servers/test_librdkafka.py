"""docs/resource-servers/librdkafka.md: librdkafka gets a token from the issuer, and sends it to a Kafka broker."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.servers import environment
from tests.servers.issuer import Issuer
from tests.servers.kafka_broker import Broker, broker
from tests.servers.page import ISSUER, Page, adapted
from tests.servers.program import wait_for

PAGE = Page("librdkafka")
LIFETIME = 5
"""Seconds that a token of the client `brief` lives."""
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("librdkafka")]


@pytest.fixture(scope="module")
def kafka(issuer: Issuer) -> Iterator[Broker]:
    issuer.follow(PAGE)
    issuer.create("create_api", "--identifier", "urn:queue", "--name", "Queue", "--scope", "queue:connect=Connect")
    grant = ("--grant", "client_credentials")
    issuer.create("create_client", "--client-id", "stranger", "--name", "Stranger", *grant, "--scope", "queue:connect")
    brief = ("--scope", "kafka:connect", "--access-token-lifetime", str(LIFETIME))
    issuer.create("create_client", "--client-id", "brief", "--name", "Brief", *grant, *brief)
    with broker(issuer) as running:
        yield running


def start(
    issuer: Issuer, kafka: Broker, folder: Path, changes: Mapping[str, object], **variables: str
) -> "subprocess.Popen[str]":
    """Start the client program of the documentation page in a separate process, and return the process.

    `changes` maps each text of the program to the text that replaces it in the test. `variables` are added to the
    environment.
    """
    used = {
        ISSUER: issuer.url,
        "kafka.example:9093": f"127.0.0.1:{kafka.port}",
        '"SASL_SSL",': f'"SASL_PLAINTEXT", "https.ca.location": "{issuer.ca}",',
        **changes,
    }
    (folder / "topics.py").write_text(adapted(PAGE.files()["topics.py"], used))
    return subprocess.Popen(
        [environment.python(), folder / "topics.py"],
        env={"PATH": os.environ["PATH"], "KAFKA_SECRET": issuer.secrets["orders"], **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(issuer: Issuer, kafka: Broker, folder: Path, changes: Mapping[str, object], **variables: str) -> str:
    """Run the client program of the documentation page until it ends. Return its output and its errors as one text."""
    out, error = start(issuer, kafka, folder, changes, **variables).communicate(timeout=120)
    return out + error


def test_only_a_valid_token_connects(issuer: Issuer, kafka: Broker, row: dict[str, str], tmp_path: Path) -> None:
    assert run(issuer, kafka, tmp_path, {}) == "1\n"
    claims = kafka.accepted[-1]
    assert (claims["sub"], claims["aud"], claims["scope"]) == ("orders", "urn:kafka", "kafka:connect")
    elsewhere = {'"orders"': '"stranger"', "kafka:connect": "queue:connect"}
    few = {"PATIENCE": "3"}
    api = run(issuer, kafka, tmp_path, elsewhere, KAFKA_SECRET=issuer.secrets["stranger"], **few)
    assert "the token was refused" in api
    assert kafka.refused[-1] == "InvalidAudienceError"
    before = len(kafka.accepted) + len(kafka.refused)
    assert "invalid_scope" in run(issuer, kafka, tmp_path, {"kafka:connect": "queue:connect"}, **few)
    assert "invalid_client" in run(issuer, kafka, tmp_path, {}, **few, KAFKA_SECRET="wrong")
    assert len(kafka.accepted) + len(kafka.refused) == before
    row |= {
        "name": f"[librdkafka](librdkafka.md) {environment.version('confluent-kafka')}",
        "right": "connected",
        "no token": "not sent",
        "scope of another client": "`invalid_scope`",
        "API of another client": "refused by the broker",
        "wrong secret": "`invalid_client`",
    }


def test_a_client_of_one_api_needs_no_scope(issuer: Issuer, kafka: Broker, tmp_path: Path) -> None:
    assert run(issuer, kafka, tmp_path, {'    "sasl.oauthbearer.scope": "kafka:connect",\n': ""}) == "1\n"
    claims = kafka.accepted[-1]
    assert (claims["sub"], claims["aud"], claims["scope"]) == ("orders", "urn:kafka", "kafka:connect")


def test_a_token_is_renewed_at_80_percent_of_its_life(
    issuer: Issuer, kafka: Broker, row: dict[str, str], tmp_path: Path
) -> None:
    waiting = {'"orders"': '"brief"', "    print(": "    sys.stdin.read()\n    print("}
    process = start(issuer, kafka, tmp_path, waiting, KAFKA_SECRET=issuer.secrets["brief"])
    try:
        wait_for(lambda: issuer.tokens_of("brief") >= 3)
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    row["renews"] = "at 80 % of its life"
