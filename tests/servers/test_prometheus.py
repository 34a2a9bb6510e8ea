"""docs/resource-servers/prometheus.md: Prometheus gets a token, and scrapes a target that verifies the token."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.ports import free
from tests.servers import django_project
from tests.servers.issuer import Issuer
from tests.servers.page import ISSUER, Page, adapted
from tests.servers.program import answers, running, wait_for

PAGE = Page("prometheus")

OTHERS = ("elsewhere", "hasty", "revoked")
"""Clients beside the page's."""
LIFETIME = 14
"""Seconds that a token of the client `hasty` lives: Prometheus renews it ten seconds before its end."""
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("prometheus")]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def targets(self) -> dict[str, dict[str, str]]:
        """Return the target of each scrape job, as Prometheus's API describes it, by the name of the job."""
        active = requests.get(f"{self.url}/api/v1/targets", timeout=60).json()["data"]["activeTargets"]
        return {target["labels"]["job"]: target for target in active}

    def scraped(self, job: str) -> dict[str, str]:
        """Wait until the job has scraped its target once. Return the target as Prometheus's API describes it."""
        wait_for(lambda: self.targets().get(job, {}).get("health", "unknown") != "unknown")
        return self.targets()[job]


def config(issuer: Issuer, folder: Path, target: str) -> str:
    """Return the configuration of the documentation page, with further scrape jobs.

    Each of these jobs differs from the page's job in one respect, such as its scope or its secret.
    """
    changes = {
        ISSUER: issuer.url,
        "scheme: https": "scheme: http",
        "shop.example": target,
        "/etc/prometheus/keyturn-secret": folder / "prometheus",
    }
    page = adapted(PAGE.block("yaml"), changes)
    job = page.partition("scrape_configs:\n")[2]
    neighbours = {
        "none": (job[job.index("    oauth2") :], ""),
        "scope": ('"metrics:read"', '"stock:read"'),
        "api": ("client_id: prometheus", "client_id: elsewhere"),
        "secret": (str(folder / "prometheus"), str(folder / "wrong")),
        "hasty": ("client_id: prometheus", "client_id: hasty"),
        "revoked": ("client_id: prometheus", "client_id: revoked"),
    }
    jobs = []
    for name, (printed, used) in neighbours.items():
        other = adapted(job, {"job_name: shop": f"job_name: {name}", printed: used})
        client = next((client for client in OTHERS if f"client_id: {client}" in other), None)
        if client:
            other = adapted(other, {str(folder / "prometheus"): folder / client})
        if client == "elsewhere":
            other = adapted(other, {'"metrics:read"': '"other:read"'})
        jobs.append(other)
    return "global: {scrape_interval: 1s, scrape_timeout: 1s}\n" + page + "".join(jobs)


@pytest.fixture(scope="module")
def folder(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the secrets of the clients, each in a file with the name of the client."""
    made = tmp_path_factory.mktemp("prometheus")
    issuer.follow(PAGE)
    issuer.create(
        "create_api", "--identifier", "https://elsewhere.example/", "--name", "Elsewhere", "--scope", "other:read=Read"
    )
    grant = ("--grant", "client_credentials")
    issuer.create("create_client", "--client-id", "elsewhere", "--name", "Elsewhere", *grant, "--scope", "other:read")
    lifetime = ("--access-token-lifetime", str(LIFETIME))
    issuer.create(
        "create_client", "--client-id", "hasty", "--name", "Hasty", *grant, "--scope", "metrics:read", *lifetime
    )
    issuer.create("create_client", "--client-id", "revoked", "--name", "Revoked", *grant, "--scope", "metrics:read")
    for name in ("prometheus", *OTHERS):
        (made / name).write_text(issuer.secrets[name])
    (made / "wrong").write_text("a wrong secret")
    return made


@pytest.fixture(scope="module")
def prometheus(issuer: Issuer, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    faster = {ISSUER: issuer.url, '"REVOCATIONS": True,': '"REVOCATIONS": True, "REVOCATIONS_EVERY": 1,'}
    with django_project.serving(PAGE, tmp_path_factory.mktemp("shop"), issuer, faster) as project:
        (folder / "prometheus.yml").write_text(config(issuer, folder, project.url.removeprefix("http://")))
        subprocess.run(["promtool", "check", "config", folder / "prometheus.yml"], check=True, capture_output=True)
        port = free()
        command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        made = Prometheus(f"http://127.0.0.1:{port}")
        variables = {"SSL_CERT_FILE": str(issuer.ca)}
        listening = f"--web.listen-address=127.0.0.1:{port}"
        with running([*command, listening], folder, ready=lambda: answers(made.url), variables=variables):
            yield made


def test_the_target_is_up_only_with_a_valid_token(prometheus: Prometheus, row: dict[str, str]) -> None:
    up = prometheus.scraped("shop")
    assert (up["health"], up["lastError"]) == ("up", "")
    down = {name: prometheus.scraped(name) for name in ("none", "scope", "api", "secret")}
    assert {target["health"] for target in down.values()} == {"down"}
    errors = {name: target["lastError"] for name, target in down.items()}
    assert "401 Unauthorized" in errors["none"]
    assert "invalid_scope" in errors["scope"]
    assert "401 Unauthorized" in errors["api"]
    assert "invalid_client" in errors["secret"]
    row |= {
        "name": f"[Prometheus](prometheus.md) {version()}",
        "right": "up",
        "no token": "401 of the target",
        "scope of another client": "`invalid_scope`",
        "API of another client": "401 of the target",
        "wrong secret": "`invalid_client`",
    }


def version() -> str:
    done = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    return re.findall(r"version ([\d.]+)", done.stdout + done.stderr)[0]


def test_a_scraped_value_arrives(prometheus: Prometheus) -> None:
    prometheus.scraped("shop")
    query = {"query": 'orders_total{job="shop"}'}
    (series,) = requests.get(f"{prometheus.url}/api/v1/query", query, timeout=60).json()["data"]["result"]
    assert series["value"][1] == "42"


def test_a_token_is_renewed_before_it_expires(issuer: Issuer, prometheus: Prometheus, row: dict[str, str]) -> None:
    assert prometheus.scraped("hasty")["health"] == "up"
    before = issuer.tokens_of("hasty")
    wait_for(lambda: issuer.tokens_of("hasty") >= before + 2)
    assert prometheus.targets()["hasty"]["lastError"] == ""
    row["renews"] = "10 s before the expiry"


def test_a_token_that_the_target_refuses_is_sent_until_it_expires(issuer: Issuer, prometheus: Prometheus) -> None:
    assert prometheus.scraped("revoked")["health"] == "up"
    before = issuer.tokens_of("revoked")
    issuer.manage("revoke_tokens", "--client", "revoked", "--yes")
    wait_for(lambda: prometheus.targets()["revoked"]["health"] == "down")
    assert "401 Unauthorized" in prometheus.targets()["revoked"]["lastError"]
    last = prometheus.targets()["revoked"]["lastScrape"]
    wait_for(lambda: prometheus.targets()["revoked"]["lastScrape"] > last)
    assert prometheus.targets()["revoked"]["health"] == "down"
    assert issuer.tokens_of("revoked") == before
