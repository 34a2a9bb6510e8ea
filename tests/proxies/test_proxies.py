"""Each proxy runs with its configuration of docs/proxies.md, in front of an issuer with production settings."""

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from project.launch import environment, processes
from project.launch.ports import Ports
from tests.ports import free
from tests.proxies.servers import LANGUAGES, adapted, block, certificate, running
from tokens.proxy import header_trials, trial_server, trials
from tokens.proxy.report import Finding
from tokens.proxy.trial_server import ProbedServer
from tokens.proxy.wire import Address, NoAnswer, connect

ROOT = Path(__file__).resolve().parent.parent.parent
OPERATOR = "operator-token-of-the-proxy-tests"
pytestmark = [pytest.mark.proxies, pytest.mark.xdist_group("proxies")]


@dataclass(frozen=True, slots=True)
class Served:
    """A running issuer that listens on `upstream`, and the port on which a proxy in front of it listens."""

    folder: Path
    upstream: int
    port: int
    crt: Path

    def server(self, *, token: str = OPERATOR) -> ProbedServer:
        context = ssl.create_default_context(cafile=str(self.crt))
        return ProbedServer(Address("https", "localhost", self.port, ""), context, token)

    def behind(self, language: str, folder: Path, change: Callable[[str], str] = str) -> AbstractContextManager[None]:
        for name in ("issuer.crt", "issuer.key", "issuer.pem"):
            (folder / name).write_bytes((self.folder / name).read_bytes())
        folder.chmod(0o755)
        config = change(adapted(block(language), folder, self.port, self.upstream))
        return running(language, config, folder, self.port, lambda: self.server().status("/healthz") == 200)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    var, where = tmp_path_factory.mktemp("var"), Ports(free(), free(), free())
    port = free()
    variables = environment.prepare(where, {}, var).issuer
    variables |= {"DEBUG": "false", "BEHIND_PROXY": "true", "OPERATOR_TOKEN": OPERATOR, "ALLOWED_HOSTS": "localhost"}
    variables |= {"ISSUER_URL": f"https://localhost:{port}"}
    processes.command(variables, "migrate", "--verbosity", "0")
    processes.command(variables, "rotate_keys")
    child = processes.start("issuer", variables, url=where.url("issuer"), var=var)
    processes.wait_until_ready(child, "/readyz")
    yield Served(var, where.issuer, port, certificate(var))
    processes.stop([child])


def levels(findings: list[Finding]) -> dict[str, str]:
    return {finding.trial: finding.level for finding in findings}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_configuration_of_the_page_has_nothing_to_be_found(served, language, tmp_path):
    with served.behind(language, tmp_path):
        findings = trials.run(served.server())
        assert [finding for finding in findings if finding.level != "ok"] == []
        assert levels(findings).keys() >= {"tls", "host", "scheme", "address", "causes", "half body", "8 kB address"}
        assert "127.0.0.1" in next(finding.result for finding in findings if finding.trial == "address")
        assert header_trials.seen_address(served.server(), {"X-Forwarded-For": header_trials.CLAIMED}) == "127.0.0.1"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [15_000, 60_000])
def test_half_sent_forms_stop_nothing(served, language, size, tmp_path):
    server = served.server()
    with served.behind(language, tmp_path):
        wires = [connect(server.where, context=server.context) for _ in range(20)]
        try:
            for wire in wires:
                wire.sendall(server.form({"Content-Length": str(size)}, b"a" * (size // 2)))
            for path in ("/healthz", trial_server.JWKS, "/.well-known/openid-configuration"):
                assert server.status(path) == 200
        finally:
            for wire in wires:
                wire.close()


BROKEN = [
    ("nginx", "proxy_set_header Host $host;", "", "host"),
    ("nginx", "proxy_set_header X-Forwarded-Proto $scheme;", "", "scheme"),
    ("nginx", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;", "", "causes"),
    ("nginx", "$proxy_add_x_forwarded_for", "$http_x_forwarded_for", "address"),
    ("nginx", "large_client_header_buffers 4 32k;", "large_client_header_buffers 4 4k;", "8 kB address"),
    (
        *("nginx", "TLSv1.2 TLSv1.3;\n    ssl_ciphers "),
        *("TLSv1 TLSv1.1 TLSv1.2;\n    ssl_ciphers ALL:@SECLEVEL=0:", "tls"),
    ),
    ("haproxy", "http-request del-header _ -m sub", "", "underscores"),
    ("haproxy", "option forwardfor", "option forwardfor if-none", "address"),
    ("caddyfile", "header_up -*_*", "", "underscores"),
    ("apache", "RequestHeader unset X_Forwarded_For", "", "underscores"),
    ("apache", "ProxyPreserveHost On", "", "host"),
]


@pytest.mark.parametrize(("language", "line", "instead", "trial"), BROKEN)
def test_a_line_that_is_missing_is_found(served, language, line, instead, trial, tmp_path):
    def change(config: str) -> str:
        assert line in config
        return config.replace(line, instead)

    with served.behind(language, tmp_path, change):
        findings = trials.run(served.server())
    assert levels(findings)[trial] == ("advice" if trial == "underscores" else "error"), findings
    assert all(finding.remedy for finding in findings if finding.level != "ok")


def test_an_issuer_that_serves_any_host_is_found(served, tmp_path):
    own = environment.read(served.folder / "issuer.env")
    upstream = free()
    own |= {"ALLOWED_HOSTS": "*", "DEBUG": "true", "ISSUER_URL": f"http://localhost:{upstream}"}
    child = processes.start("issuer", own, url=f"http://localhost:{upstream}", var=tmp_path)
    try:
        processes.wait_until_ready(child, "/healthz")
        findings = trials.run(ProbedServer(Address("http", "localhost", upstream, ""), None, ""))
        assert (levels(findings)["host"], levels(findings)["tls"]) == ("error", "advice")
    finally:
        processes.stop([child])


def test_the_command_prints_json_and_says_by_its_exit_code_whether_there_is_an_error(served, tmp_path):
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", "check_proxy", f"https://localhost:{served.port}", *arguments]
        own = environment.read(served.folder / "issuer.env") | {"OPERATOR_TOKEN": OPERATOR}
        return subprocess.run(
            [*command, "--cafile", str(served.crt)],
            cwd=ROOT,
            env=processes.variables_for(own, os.environ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    with served.behind("nginx", tmp_path):
        good = run("--json")
        assert (good.returncode, json.loads(good.stdout)["result"]) == (0, "ok")
        assert "the JWKS keeps its ETag" in run().stdout
    gone = run("--json")
    assert gone.returncode == 1
    assert [finding["trial"] for finding in json.loads(gone.stdout)["findings"]] == ["healthz"]


def test_a_silent_server_costs_a_bounded_time(monkeypatch):
    monkeypatch.setattr(trial_server, "exchange", lambda *a, **k: (_ for _ in ()).throw(NoAnswer("timed out")))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        server = ProbedServer(Address("http", "127.0.0.1", silent.getsockname()[1], ""), None, "")
        assert [finding.level for finding in trials.run(server)] == ["error"]
