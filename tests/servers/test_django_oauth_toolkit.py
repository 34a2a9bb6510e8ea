"""docs/resource-servers/django-oauth-toolkit.md: the toolkit introspects each token at the issuer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.servers import checks, django_project, environment
from tests.servers.issuer import Issuer
from tests.servers.login import user_token
from tests.servers.page import ISSUER, Page
from tests.servers.program import status, wait_for

PAGE = Page("django-oauth-toolkit")
CACHED = '"RESOURCE_SERVER_TOKEN_CACHING_SECONDS": 60'
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("django-oauth-toolkit")]


def ask(url: str, token: str | None, host: str = "files.example", scheme: str = "https") -> str:
    """Send a request to the API with the headers Host and X-Forwarded-Proto of a TLS-terminating proxy.

    Returns the HTTP status as text.
    """
    return status(url, token, Host=host, X_Forwarded_Proto=scheme)


@pytest.fixture(scope="module")
def good(issuer: Issuer) -> str:
    issuer.follow(PAGE)
    return issuer.token("backup", scope="files:read")


@pytest.fixture(scope="module")
def changes(issuer: Issuer, good: str) -> dict[str, object]:
    return {ISSUER: issuer.url, '"SECRET"': f'"{issuer.secrets["files-api"]}"'}


@pytest.fixture(scope="module")
def url(issuer: Issuer, changes: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with django_project.serving(PAGE, tmp_path_factory.mktemp("toolkit"), issuer, changes) as project:
        yield f"{project.url}/files/"


def test_the_server_accepts_only_a_valid_token(issuer: Issuer, url: str, good: str, row: dict[str, str]) -> None:
    results = checks.good_alone(
        issuer, good, lambda token: ask(url, token), accepted="200", refused="401", others={"another scope": "403"}
    )
    version = environment.version("django-oauth-toolkit")
    row |= results | {"name": f"[django-oauth-toolkit](django-oauth-toolkit.md) {version}"}


def test_a_request_for_another_url_than_the_identifier_is_refused(url: str, good: str) -> None:
    assert ask(url, good) == "200"
    assert ask(url, good, host="other.example") == "401"
    assert ask(url, good, scheme="http") == "401"


def test_the_user_of_a_token_is_logged_in_and_a_service_is_not(issuer: Issuer, url: str, good: str) -> None:
    def who(token: str) -> object:
        proxied = {"Host": "files.example", "X-Forwarded-Proto": "https", "Authorization": f"Bearer {token}"}
        return requests.get(url, headers=proxied, timeout=60).json()["user"]

    assert who(user_token(issuer, "desk", "files:read")) == "demo"
    assert who(good) is None


def test_a_revoked_token_or_key_is_trusted_as_long_as_the_answer_is_kept(
    issuer: Issuer, changes: dict[str, object], row: dict[str, str], tmp_path: Path
) -> None:
    hasty = {**changes, CACHED: CACHED.replace("60", "1")}
    token = issuer.token("backup", scope="files:read")
    with django_project.serving(PAGE, tmp_path, issuer, hasty) as project:
        assert ask(f"{project.url}/files/", token) == "200"
        issuer.revoke("backup", token)
        wait_for(lambda: ask(f"{project.url}/files/", token) == "401")
    row["revoked token"] = row["revoked key"] = f"{CACHED.rpartition(' ')[2]} s"
