"""docs/resource-servers/haproxy.md: HAProxy verifies tokens with public keys that it reads from files.

The script of the documentation page updates these files.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
import requests

from project.launch import processes
from tests.ports import free
from tests.resources.loopback import Loopback, loopback, raw
from tests.servers import checks
from tests.servers.issuer import Issuer, claims_of
from tests.servers.page import ISSUER, Page, adapted
from tests.servers.program import answers, running, status

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = Page("haproxy")
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("haproxy")]


@dataclass(frozen=True, slots=True)
class Balancer:
    """A running HAProxy: the folder with its files, and the port on which it listens."""

    folder: Path
    port: int
    issuer: Issuer

    @property
    def keys(self) -> Path:
        return self.folder / "keyturn"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def refresh_keys(self) -> str:
        """Run the shell script of the documentation page, which updates the key files and calls systemctl.

        A fake systemctl prints its arguments. Returns this output, or "" if systemctl was not called.
        """
        self.keys.mkdir(exist_ok=True)
        bin_ = self.folder / "bin"
        bin_.mkdir(exist_ok=True)
        python = f"#!/bin/sh\ncd {ROOT} && exec {sys.executable} manage.py"
        for name, text in {"manage.py": f'{python} "$@"\n', "systemctl": '#!/bin/sh\necho "$@"\n'}.items():
            (bin_ / name).write_text(text)
            (bin_ / name).chmod(0o755)
        script = adapted(PAGE.block("sh"), {"/etc/haproxy/": f"{self.folder}/"})
        variables = processes.variables_for(self.issuer.variables, os.environ)
        variables["PATH"] = f"{bin_}:{os.environ['PATH']}:/usr/sbin"
        done = subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def command(self) -> list[object]:
        return ["haproxy", "-db", "-f", self.folder / "keyturn.cfg", "-f", self.folder / "haproxy.cfg"]


@pytest.fixture(scope="module")
def application() -> Iterator[Loopback]:
    with loopback() as application:
        application.answers["/"] = raw(b"the stock")
        yield application


@pytest.fixture(scope="module")
def balancer(issuer: Issuer, application: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Balancer:
    made = Balancer(tmp_path_factory.mktemp("haproxy"), free(), issuer)
    changes = {
        "bind :80": f"bind 127.0.0.1:{made.port}",
        ISSUER: issuer.url,
        "127.0.0.1:9000": application.url.removeprefix("http://"),
    }
    (made.folder / "haproxy.cfg").write_text(adapted(PAGE.block("haproxy"), changes))
    return made


@pytest.fixture(scope="module")
def url(balancer: Balancer, good: str) -> Iterator[str]:
    printed = balancer.refresh_keys()
    assert printed.endswith("reload haproxy\n")
    with running(balancer.command(), balancer.folder, ready=lambda: answers(balancer.url)):
        yield balancer.url


@pytest.fixture(scope="module")
def good(issuer: Issuer) -> str:
    issuer.follow(PAGE)
    return issuer.token("shelf", scope="stock:read")


def test_the_server_accepts_only_a_valid_token(issuer: Issuer, url: str, good: str, row: dict[str, str]) -> None:
    results = checks.good_alone(
        issuer, good, lambda token: status(url, token), accepted="200", refused="401", others={"another scope": "403"}
    )
    row |= results | {"name": f"[HAProxy](haproxy.md) {version()}"}


def version() -> str:
    printed = subprocess.run(["/usr/sbin/haproxy", "-v"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"version ([\d.]+)", printed)[0]


def test_haproxy_refuses_tokens_that_other_verifiers_recognize_by_their_header(
    issuer: Issuer, url: str, good: str
) -> None:
    header, claims = jwt.get_unverified_header(good), claims_of(good)
    others = {
        "an ID token's type": issuer.signed(claims, kid=header["kid"], typ="JWT"),
        "another hash": jwt.encode(claims, issuer.keys[header["kid"]], "RS384", headers=header | {"alg": "RS384"}),
        "no signature": jwt.encode(claims, None, "none", headers={"typ": "at+jwt"}),
        "no expiry": issuer.signed({name: claims[name] for name in claims if name != "exp"}, kid=header["kid"]),
        "a longer scope": issuer.signed(claims | {"scope": "stock:read2"}, kid=header["kid"]),
    }
    statuses = {name: status(url, token) for name, token in others.items()}
    assert statuses.pop("a longer scope") == "403"
    assert set(statuses.values()) == {"401"}


def test_two_headers_are_refused_and_the_subject_is_passed_on(url: str, good: str, application: Loopback) -> None:
    headers = {"X-Subject": "an administrator", "Authorization": f"Bearer {good}"}
    assert requests.get(url, headers=headers, timeout=60).text == "the stock"
    assert application.seen[-1][2]["x-subject"] == "shelf"
    twice = f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {good}\r\nAuthorization: Bearer x\r\n\r\n"
    assert raw_status(url, twice) == "400"


def raw_status(url: str, request: str) -> str:
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request.encode())
        return connection.recv(4096).decode().split()[1]


def test_a_token_of_the_key_that_follows_is_accepted(issuer: Issuer, url: str, good: str) -> None:
    assert status(url, issuer.standby(good)) == "200"


def test_a_revoked_token_passes_until_it_expires(issuer: Issuer, url: str, row: dict[str, str]) -> None:
    token = issuer.token("shelf", scope="stock:read")
    issuer.revoke("shelf", token)
    assert status(url, token) == "200"
    row["revoked token"] = "its expiry"


def test_a_key_is_trusted_until_its_file_is_removed_and_haproxy_reloads(
    issuer: Issuer, balancer: Balancer, url: str, good: str, row: dict[str, str], tmp_path: Path
) -> None:
    assert balancer.refresh_keys() == "", "nothing changed, so nothing is reloaded"
    revoked = balancer.keys / jwt.get_unverified_header(good)["kid"]
    other = Balancer(tmp_path, free(), issuer)
    config = (balancer.folder / "haproxy.cfg").read_text().replace(f":{balancer.port}\n", f":{other.port}\n")
    (other.folder / "haproxy.cfg").write_text(config)
    lines = (balancer.folder / "keyturn.cfg").read_text().splitlines(keepends=True)
    (other.folder / "keyturn.cfg").write_text("".join(line for line in lines if str(revoked) not in line))
    with running(other.command(), other.folder, ready=lambda: answers(other.url)):
        assert status(other.url, good) == "401"
        assert status(other.url, issuer.standby(good)) == "200"
    assert status(url, good) == "200"
    row["revoked key"] = "`keys --pem` and a reload"
