"""docs/resource-servers/mod_auth_openidc.md: Apache verifies tokens with the issuer's JWKS."""

import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
import requests

from tests.resources.loopback import Loopback, loopback, raw
from tests.servers import checks
from tests.servers.apache import PAGE, apache, version
from tests.servers.issuer import OTHER_API, Issuer, claims_of
from tests.servers.program import Clock, status

APPLICATION = "http://127.0.0.1:9000"
AUDIENCE = "            Require claim aud:https://wiki.example/\n"
AGE = 300
"""Seconds: OIDCJWKSRefreshInterval of the page."""
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("mod_auth_openidc")]


@pytest.fixture(scope="module")
def good(issuer: Issuer) -> str:
    issuer.follow(PAGE)
    return issuer.token("reader", scope="wiki:read")


@pytest.fixture(scope="module")
def application() -> Iterator[Loopback]:
    with loopback() as application:
        application.answers["/"] = raw(b"the wiki")
        yield application


@pytest.fixture(scope="module")
def url(issuer: Issuer, good: str, application: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    changes = {APPLICATION: application.url}
    with apache(PAGE.block("apache"), tmp_path_factory.mktemp("apache"), issuer, changes) as url:
        yield url


def test_the_server_accepts_only_a_valid_token(issuer: Issuer, url: str, good: str, row: dict[str, str]) -> None:
    results = checks.good_alone(issuer, good, lambda token: status(url, token), accepted="200", refused="401")
    row |= results | {"name": f"[mod_auth_openidc](mod_auth_openidc.md#by-the-jwks) {version()}, JWKS"}


def test_the_application_gets_the_subject_and_neither_the_token_nor_the_client_s_own_headers(
    url: str, good: str, application: Loopback
) -> None:
    headers = {"Authorization": f"Bearer {good}", "OIDC_CLAIM_sub": "an administrator", "OIDC-CLAIM-sub": "another"}
    assert requests.get(url, headers=headers, timeout=60).text == "the wiki"
    seen = application.seen[-1][2]
    assert {value for name, value in seen.items() if name.replace("-", "_") == "oidc_claim_sub"} == {"reader"}
    assert "authorization" not in seen


def test_without_the_audience_a_token_of_any_api_would_pass(
    issuer: Issuer, application: Loopback, good: str, tmp_path: Path
) -> None:
    claims, kid = claims_of(good) | {"aud": OTHER_API}, jwt.get_unverified_header(good)["kid"]
    changes = {APPLICATION: application.url, AUDIENCE: ""}
    with apache(PAGE.block("apache"), tmp_path, issuer, changes) as url:
        assert status(url, issuer.signed(claims, kid=kid)) == "200"


def test_a_revoked_token_passes_until_it_expires(issuer: Issuer, url: str, row: dict[str, str]) -> None:
    token = issuer.token("reader", scope="wiki:read")
    issuer.revoke("reader", token)
    assert status(url, token) == "200"
    row["revoked token"] = "its expiry"


def test_a_revoked_key_is_trusted_until_the_copy_is_old(
    issuer: Issuer, application: Loopback, good: str, row: dict[str, str], tmp_path: Path
) -> None:
    clock, later = Clock(issuer.ca.parent / "clock"), int(time.time()) + 2 * AGE
    kid, claims = jwt.get_unverified_header(good)["kid"], claims_of(good) | {"exp": later + 3600}
    token = issuer.signed(claims, kid=kid)
    with apache(PAGE.block("apache"), tmp_path, issuer, {APPLICATION: application.url}, clock=clock) as url:
        assert status(url, token) == "200"
        with issuer.front.without_key(kid):
            clock.forward(AGE - 60)
            assert status(url, token) == "200"
            clock.forward(AGE + 60)
            assert status(url, token) == "401"
            assert status(url, issuer.standby(token)) == "200"
    row["revoked key"] = f"{AGE} s"
