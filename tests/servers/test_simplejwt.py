"""docs/resource-servers/simplejwt.md: djangorestframework-simplejwt verifies tokens with the issuer's JWKS."""

from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
import requests

from tests.servers import checks, django_project, environment
from tests.servers.issuer import Issuer
from tests.servers.page import ISSUER, Page
from tests.servers.program import Clock, status

PAGE = Page("simplejwt")
AGE = 300
"""Seconds that PyJWT keeps the JWKS."""
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("simplejwt")]


@pytest.fixture(scope="module")
def good(issuer: Issuer) -> str:
    issuer.follow(PAGE)
    return issuer.token("ledger", scope="invoices:read")


@pytest.fixture(scope="module")
def url(issuer: Issuer, good: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("simplejwt")
    with django_project.serving(PAGE, folder, issuer, {ISSUER: issuer.url}) as project:
        yield f"{project.url}/invoices/"


def test_the_server_accepts_only_a_valid_token(issuer: Issuer, url: str, good: str, row: dict[str, str]) -> None:
    results = checks.good_alone(
        issuer, good, lambda token: status(url, token), accepted="200", refused="401", others={"another scope": "403"}
    )
    row |= results | {"name": f"[simplejwt](simplejwt.md) {environment.version('djangorestframework-simplejwt')}"}
    answer = requests.get(url, headers={"Authorization": f"Bearer {good}"}, timeout=60)
    assert answer.json() == {"sub": "ledger"}


def test_a_revoked_token_passes_until_it_expires(issuer: Issuer, url: str, row: dict[str, str]) -> None:
    token = issuer.token("ledger", scope="invoices:read")
    issuer.revoke("ledger", token)
    assert status(url, token) == "200"
    row["revoked token"] = "its expiry"


def test_a_revoked_key_is_trusted_until_the_copy_is_old(
    issuer: Issuer, good: str, row: dict[str, str], tmp_path: Path
) -> None:
    clock = Clock(tmp_path / "clock")
    with django_project.serving(PAGE, tmp_path, issuer, {ISSUER: issuer.url}, clock=clock) as project:
        url = f"{project.url}/invoices/"
        assert status(url, good) == "200"
        with issuer.front.without_key(jwt.get_unverified_header(good)["kid"]):
            assert status(url, good) == "200"
            clock.forward(AGE + 1)
            assert status(url, good) == "401"
            assert status(url, issuer.standby(good)) == "200"
    row["revoked key"] = f"{AGE} s"
