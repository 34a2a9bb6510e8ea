"""docs/resource-servers/fastapi.md: a FastAPI application verifies tokens with PyJWT."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
import requests

from tests.ports import free
from tests.servers import checks, environment
from tests.servers.issuer import Issuer, claims_of, neighbours
from tests.servers.page import ISSUER, Page, adapted
from tests.servers.program import answers, running, status, wait_for

PAGE = Page("fastapi")
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("fastapi")]


@contextmanager
def serving(issuer: Issuer, folder: Path, changes: Mapping[str, object]) -> Iterator[str]:
    """Serve the application of the documentation page while the block runs, and yield the URL of its items."""
    (folder / "main.py").write_text(adapted(PAGE.files()["main.py"], {ISSUER: issuer.url, **changes}))
    port = free()
    command = [environment.python(), "-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port", port]
    url = f"http://127.0.0.1:{port}/items"
    with running(command, folder, ready=lambda: answers(url), variables={"SSL_CERT_FILE": str(issuer.ca)}):
        yield url


@pytest.fixture(scope="module")
def good(issuer: Issuer) -> str:
    issuer.follow(PAGE)
    return issuer.token("scanner", scope="items:read")


@pytest.fixture(scope="module")
def url(issuer: Issuer, good: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(issuer, tmp_path_factory.mktemp("fastapi"), {}) as url:
        yield url


def test_the_server_accepts_only_a_valid_token(issuer: Issuer, url: str, good: str, row: dict[str, str]) -> None:
    results = checks.good_alone(
        issuer, good, lambda token: status(url, token), accepted="200", refused="401", others={"another scope": "403"}
    )
    versions = f"{environment.version('fastapi')}, PyJWT {environment.version('pyjwt')}"
    row |= results | {"name": f"[FastAPI](fastapi.md) {versions}"}


def test_an_id_token_and_a_list_of_audiences_are_refused(issuer: Issuer, url: str, good: str) -> None:
    kid, claims = jwt.get_unverified_header(good)["kid"], claims_of(good)
    assert status(url, issuer.signed(claims, kid=kid)) == "200"
    assert status(url, issuer.signed(claims, kid=kid, typ="JWT")) == "401"
    assert status(url, issuer.signed(claims | {"aud": [claims["aud"], "https://x.example/"]}, kid=kid)) == "401"


def test_the_challenge_names_the_scope(issuer: Issuer, url: str, good: str) -> None:
    headers = {"Authorization": f"Bearer {neighbours(issuer, good)['another scope']}"}
    challenge = requests.get(url, headers=headers, timeout=60).headers["WWW-Authenticate"]
    assert challenge == 'Bearer error="insufficient_scope", scope="items:read"'
    assert requests.get(url, timeout=60).headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_token_passes_until_it_expires(issuer: Issuer, url: str, row: dict[str, str]) -> None:
    token = issuer.token("scanner", scope="items:read")
    issuer.revoke("scanner", token)
    assert status(url, token) == "200"
    row["revoked token"] = "its expiry"


def test_a_revoked_key_is_trusted_for_the_lifespan_of_the_copy(
    issuer: Issuer, url: str, good: str, row: dict[str, str], tmp_path: Path
) -> None:
    lifespan = re.findall(r"lifespan=(\d+)", PAGE.text)[0]
    kid = jwt.get_unverified_header(good)["kid"]
    assert status(url, good) == "200"
    with serving(issuer, tmp_path, {f"lifespan={lifespan}": "lifespan=1"}) as hasty:
        assert status(hasty, good) == "200"
        with issuer.front.without_key(kid):
            assert status(url, good) == "200"
            wait_for(lambda: status(hasty, good) == "401")
            assert status(hasty, issuer.standby(good)) == "200"
    row["revoked key"] = f"{lifespan} s"


def test_without_the_issuer_a_request_is_503_and_not_401(issuer: Issuer, good: str, tmp_path: Path) -> None:
    gone = {"{ISSUER}/.well-known": f"https://localhost:{free()}/.well-known"}
    with serving(issuer, tmp_path, gone) as url:
        assert status(url, good) == "503"
