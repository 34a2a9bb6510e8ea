"""docs/resource-servers/drf-oidc-auth.md: drf-oidc-auth verifies tokens with the JWKS from the metadata."""

import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
import requests

from tests.servers import checks, django_project, environment
from tests.servers.issuer import Issuer, claims_of
from tests.servers.page import ISSUER, Page
from tests.servers.program import status, wait_for

PAGE = Page("drf-oidc-auth")
AGE = '"OIDC_JWKS_EXPIRATION_TIME": 300'
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("drf-oidc-auth")]


@pytest.fixture(scope="module")
def good(issuer: Issuer) -> str:
    issuer.follow(PAGE)
    return issuer.token("album", scope="photos:read")


@pytest.fixture(scope="module")
def url(issuer: Issuer, good: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("drf-oidc-auth")
    with django_project.serving(PAGE, folder, issuer, {ISSUER: issuer.url}) as project:
        yield f"{project.url}/photos/"


def test_the_server_accepts_only_a_valid_token(issuer: Issuer, url: str, good: str, row: dict[str, str]) -> None:
    results = checks.good_alone(
        issuer, good, lambda token: status(url, token), accepted="200", refused="401", others={"another scope": "403"}
    )
    row |= results | {"name": f"[drf-oidc-auth](drf-oidc-auth.md) {environment.version('drf-oidc-auth')}"}
    answer = requests.get(url, headers={"Authorization": f"Bearer {good}"}, timeout=60)
    assert answer.json() == {"sub": "album"}


def test_a_token_that_is_old_or_has_no_end_is_refused(issuer: Issuer, url: str, good: str) -> None:
    kid, claims, now = jwt.get_unverified_header(good)["kid"], claims_of(good), int(time.time())
    old = issuer.signed(claims | {"iat": now - 660, "exp": now + 60}, kid=kid)
    endless = issuer.signed({name: claims[name] for name in claims if name != "exp"}, kid=kid)
    assert (status(url, old), status(url, endless)) == ("401", "401")


def test_a_revoked_token_passes_until_it_expires(issuer: Issuer, url: str, row: dict[str, str]) -> None:
    token = issuer.token("album", scope="photos:read")
    issuer.revoke("album", token)
    assert status(url, token) == "200"
    row["revoked token"] = "its expiry"


def test_a_revoked_key_is_trusted_until_the_copy_is_old(
    issuer: Issuer, url: str, good: str, row: dict[str, str], tmp_path: Path
) -> None:
    changes = {ISSUER: issuer.url, AGE: '"OIDC_JWKS_EXPIRATION_TIME": 1'}
    with django_project.serving(PAGE, tmp_path, issuer, changes) as project:
        hasty = f"{project.url}/photos/"
        assert (status(url, good), status(hasty, good)) == ("200", "200")
        with issuer.front.without_key(jwt.get_unverified_header(good)["kid"]):
            assert status(url, good) == "200"
            wait_for(lambda: status(hasty, good) == "401")
            assert status(hasty, issuer.standby(good)) == "200"
    row["revoked key"] = f"{AGE.rpartition(' ')[2]} s"
