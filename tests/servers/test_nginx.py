"""docs/resource-servers/nginx.md: nginx asks a view of `resources` about each request (forward auth).

Another test shows why nginx must not ask the introspection endpoint instead: every token would be accepted.
"""

import base64
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.ports import free
from tests.resources.loopback import Loopback, loopback, raw
from tests.servers import checks, django_project
from tests.servers.issuer import Issuer, neighbours
from tests.servers.page import ISSUER, Page, adapted
from tests.servers.program import answers, running, status, wait_for

PAGE = Page("nginx")
POLL = 1
"""Seconds between two polls of the revocation feed."""
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("nginx")]


@pytest.fixture(scope="module")
def good(issuer: Issuer) -> str:
    issuer.follow(PAGE)
    return issuer.token("nightly", scope="reports:read")


@pytest.fixture(scope="module")
def application() -> Iterator[Loopback]:
    with loopback() as application:
        application.answers["/"] = raw(b"the reports")
        yield application


@contextmanager
def nginx(config: str, folder: Path, port: int) -> Iterator[None]:
    """Run nginx while the block runs, with `config` as the server block of its configuration."""
    kept = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"daemon off; pid {folder}/pid; events {{}}\nhttp {{ access_log off; {kept}\n{config}}}\n"
    folder.chmod(0o755)
    (folder / "nginx.conf").write_text(whole)
    command = ["nginx", "-c", folder / "nginx.conf", "-p", folder, "-e", folder / "error.log"]
    with running(command, folder, ready=lambda: answers(f"http://127.0.0.1:{port}")):
        yield


@pytest.fixture(scope="module")
def url(issuer: Issuer, application: Loopback, good: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of nginx.

    For each request, nginx first asks the Django view that docs/resource-servers/nginx.md describes. If the view
    accepts the token, nginx passes the request to the application.
    """
    port, view = free(), free()
    faster = {ISSUER: issuer.url, '"REVOCATIONS": True,': f'"REVOCATIONS": True, "REVOCATIONS_EVERY": {POLL},'}
    config = adapted(
        PAGE.block("nginx"),
        {
            "listen 80": f"listen 127.0.0.1:{port}",
            "127.0.0.1:9000": application.url.removeprefix("http://"),
            "127.0.0.1:8001": f"127.0.0.1:{view}",
        },
    )
    with (
        django_project.serving(PAGE, tmp_path_factory.mktemp("view"), issuer, faster, port=view),
        nginx(config, tmp_path_factory.mktemp("nginx"), port),
    ):
        yield f"http://127.0.0.1:{port}/"


def test_the_server_accepts_only_a_valid_token(issuer: Issuer, url: str, good: str, row: dict[str, str]) -> None:
    results = checks.good_alone(
        issuer, good, lambda token: status(url, token), accepted="200", refused="401", others={"another scope": "403"}
    )
    row |= results | {"name": f"[nginx](nginx.md) {version()}"}


def version() -> str:
    printed = subprocess.run(["/usr/sbin/nginx", "-v"], capture_output=True, text=True, check=True).stderr
    return re.findall(r"nginx/([\d.]+)", printed)[0]


def test_the_challenge_reaches_the_client_and_the_subject_the_application(
    issuer: Issuer, url: str, good: str, application: Loopback
) -> None:
    refused = requests.get(url, headers={"Authorization": "Bearer x"}, timeout=60)
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    token = neighbours(issuer, good)["another scope"]
    refused = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    headers = {"Authorization": f"Bearer {good}", "X-Subject": "an administrator"}
    assert requests.get(url, headers=headers, timeout=60).text == "the reports"
    _, _, seen = application.seen[-1]
    assert seen["x-subject"] == "nightly"
    assert "authorization" not in seen


def test_a_revoked_token_is_refused_from_the_next_poll(issuer: Issuer, url: str, row: dict[str, str]) -> None:
    token = issuer.token("nightly", scope="reports:read")
    assert status(url, token) == "200"
    issuer.revoke("nightly", token)
    wait_for(lambda: status(url, token) == "401")
    row["revoked token"] = row["revoked key"] = "the next poll of the feed, 30 s"


def test_auth_request_on_introspection_would_accept_every_token(
    issuer: Issuer, application: Loopback, good: str, tmp_path: Path
) -> None:
    port = free()
    issuer.manage("link_api", "https://reports.example/", "--client", "nightly")
    basic = base64.b64encode(f"nightly:{issuer.secrets['nightly']}".encode()).decode()
    hole = f"""
server {{
    listen 127.0.0.1:{port};
    location / {{ auth_request /_verify; proxy_pass {application.url}; }}
    location = /_verify {{
        internal;
        if ($http_authorization ~ "Bearer (.*)") {{ set $token $1; }}
        proxy_pass {issuer.url}/oauth/introspect;
        proxy_method POST;
        proxy_set_body "token=$token";
        proxy_set_header Host localhost;
        proxy_set_header Content-Type application/x-www-form-urlencoded;
        proxy_set_header Authorization "Basic {basic}";
    }}
}}
"""
    with nginx(hole, tmp_path, port):
        passed = {name: status(f"http://127.0.0.1:{port}/", token) for name, token in neighbours(issuer, good).items()}
    del passed["none"]
    assert set(passed.values()) == {"200"}
