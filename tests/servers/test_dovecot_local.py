"""docs/resource-servers/dovecot.md: Dovecot itself verifies tokens, with the issuer's public keys from files."""

from collections.abc import Iterator

import jwt
import pytest

from tests.servers import checks
from tests.servers.dovecot import PAGE, Dovecot, dovecot, version
from tests.servers.issuer import Issuer, claims_of
from tests.servers.login import user_token
from tests.servers.program import wait_for

AUDIENCE = "https://mailbox.example/"
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("dovecot_local")]


@pytest.fixture(scope="module")
def good(issuer: Issuer) -> str:
    api = ("--identifier", AUDIENCE, "--name", "Mailbox", "--scope", "imap-local=Read your mail")
    issuer.create("create_api", *api, "--dangerously-issue-typ-jwt")
    client = ("--client-id", "local-mua", "--name", "Mail program", "--public", "--grant", "authorization_code")
    issuer.create("create_client", *client, "--redirect-uri", "http://127.0.0.1/", "--scope", "imap-local")
    return user_token(issuer, "local-mua", "imap-local")


@pytest.fixture(scope="module")
def server(issuer: Issuer, good: str) -> Iterator[Dovecot]:
    with local(issuer) as running:
        yield running


def local(issuer: Issuer):
    changes = {"https://mail.example/": AUDIENCE, "scope = imap": "scope = imap-local"}
    return dovecot(PAGE.block("ini", 1), issuer, changes)


def test_the_server_accepts_only_a_valid_token(issuer: Issuer, server: Dovecot, good: str, row: dict[str, str]) -> None:
    user = str(claims_of(good)["sub"])
    issuer.manage("keys", "--pem", str(server.keys))
    results = checks.good_alone(issuer, good, lambda token: server.log_in(user, token), accepted="OK", refused="NO")
    row |= results | {"name": f"[Dovecot](dovecot.md#by-key-files) {version()}, key files"}


def test_the_type_at_jwt_is_refused(issuer: Issuer, server: Dovecot, good: str) -> None:
    issuer.manage("keys", "--pem", str(server.keys))
    kid, user = jwt.get_unverified_header(good)["kid"], str(claims_of(good)["sub"])
    assert server.log_in(user, issuer.signed(claims_of(good), kid=kid, typ="JWT")) == "OK"
    assert server.log_in(user, issuer.signed(claims_of(good), kid=kid)) == "NO"


def test_a_key_is_trusted_until_its_file_is_removed_and_dovecot_reloads(
    issuer: Issuer, good: str, row: dict[str, str]
) -> None:
    user, kid = str(claims_of(good)["sub"]), jwt.get_unverified_header(good)["kid"]
    issuer.manage("revoke_tokens", "--jti", str(claims_of(good)["jti"]), "--yes")
    with local(issuer) as server:
        issuer.manage("keys", "--pem", str(server.keys))
        assert server.log_in(user, good) == "OK"
        row["revoked token"] = "its expiry"
        (server.keys / kid).unlink()
        assert server.log_in(user, good) == "OK"
        server.reload()
        wait_for(lambda: server.log_in(user, good) == "NO")
        assert server.log_in(user, issuer.standby(good)) == "OK"
    row["revoked key"] = "`keys --pem` and a reload"
