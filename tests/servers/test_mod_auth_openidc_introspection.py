"""docs/resource-servers/mod_auth_openidc.md: Apache sends the issuer an introspection request for each token."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.resources.loopback import loopback, raw
from tests.servers import checks
from tests.servers.apache import PAGE, apache, version
from tests.servers.issuer import Issuer
from tests.servers.program import status, wait_for

INTROSPECT = "/oauth/introspect"
INTERVAL = "OIDCOAuthTokenIntrospectionInterval 60"
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("mod_auth_openidc_introspection")]


def config() -> str:
    """Return Apache's configuration for introspection.

    It consists of the page's second block, and of the first block (for the JWKS) from `<VirtualHost` on.
    """
    by_jwks = PAGE.block("apache")
    return PAGE.block("apache", 1) + by_jwks[by_jwks.index("<VirtualHost") :]


@pytest.fixture(scope="module")
def good(issuer: Issuer) -> str:
    issuer.follow(PAGE)
    return issuer.token("reader", scope="wiki:read")


@pytest.fixture(scope="module")
def changes(issuer: Issuer, good: str) -> Iterator[dict[str, object]]:
    with loopback() as application:
        application.answers["/"] = raw(b"the wiki")
        yield {
            "http://127.0.0.1:9000": application.url,
            "SECRET": issuer.secrets["wiki-api"],
            "PASSPHRASE": secrets.token_urlsafe(32),
        }


@pytest.fixture(scope="module")
def url(issuer: Issuer, changes: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with apache(config(), tmp_path_factory.mktemp("apache"), issuer, changes) as url:
        yield url


def test_the_server_accepts_only_a_valid_token(issuer: Issuer, url: str, good: str, row: dict[str, str]) -> None:
    results = checks.good_alone(issuer, good, lambda token: status(url, token), accepted="200", refused="401")
    row |= results | {"name": f"[mod_auth_openidc](mod_auth_openidc.md#by-introspection) {version()}, introspection"}


def test_the_issuer_is_asked_once_about_a_token(issuer: Issuer, url: str) -> None:
    token, before = issuer.token("reader", scope="wiki:read"), issuer.front.fetches(INTROSPECT)
    assert {status(url, token) for _ in range(4)} == {"200"}
    assert issuer.front.fetches(INTROSPECT) == before + 1


def test_without_the_hash_the_issuer_is_asked_at_each_request(
    issuer: Issuer, changes: dict[str, object], tmp_path: Path
) -> None:
    token, before = issuer.token("reader", scope="wiki:read"), issuer.front.fetches(INTROSPECT)
    with apache(config(), tmp_path, issuer, {**changes, "OIDCCacheEncrypt On": "OIDCCacheEncrypt Off"}) as url:
        assert {status(url, token) for _ in range(4)} == {"200"}
    assert issuer.front.fetches(INTROSPECT) == before + 4
    assert token[:100] in (tmp_path / "error.log").read_text()


def test_a_revoked_token_or_key_is_trusted_for_the_interval(
    issuer: Issuer, changes: dict[str, object], row: dict[str, str], tmp_path: Path
) -> None:
    token = issuer.token("reader", scope="wiki:read")
    with apache(config(), tmp_path, issuer, {**changes, INTERVAL: INTERVAL.replace("60", "1")}) as url:
        assert status(url, token) == "200"
        issuer.revoke("reader", token)
        wait_for(lambda: status(url, token) == "401")
    row["revoked token"] = row["revoked key"] = f"{INTERVAL.rpartition(' ')[2]} s"
