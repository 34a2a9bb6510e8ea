"""docs/resource-servers/dovecot.md: Dovecot sends the issuer an introspection request for each token."""

import re
import shlex
import subprocess
from collections.abc import Iterator

import jwt
import pytest

from tests.ports import free
from tests.servers import checks
from tests.servers.dovecot import BUNDLE, PAGE, Dovecot, dovecot, version
from tests.servers.issuer import Issuer, claims_of
from tests.servers.login import user_token
from tests.servers.page import ISSUER, adapted

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("dovecot")]


@pytest.fixture(scope="module")
def good(issuer: Issuer) -> str:
    issuer.follow(PAGE)
    return user_token(issuer, "mua", "imap")


@pytest.fixture(scope="module")
def changes(issuer: Issuer, good: str) -> dict[str, object]:
    return {"SECRET": issuer.secrets["mail-api"], BUNDLE: issuer.ca}


@pytest.fixture(scope="module")
def server(issuer: Issuer, changes: dict[str, object]) -> Iterator[Dovecot]:
    with dovecot(PAGE.block("ini"), issuer, changes) as running:
        yield running


def test_the_server_accepts_only_a_valid_token(issuer: Issuer, server: Dovecot, good: str, row: dict[str, str]) -> None:
    def ask(token: str | None) -> str:
        return server.log_in("demo", token)

    results = checks.good_alone(issuer, good, ask, accepted="OK", refused="NO")
    row |= results | {
        "name": f"[Dovecot](dovecot.md#by-introspection-dovecot-oauth2confext) {version()}, introspection"
    }


def test_the_page_s_request_lists_the_mailboxes(server: Dovecot, good: str) -> None:
    (printed,) = re.findall(r"Try it: `(curl .*?)`", PAGE.text)
    command = adapted(printed, {'"$TOKEN"': good, "imaps://mail.example/": f"imap://127.0.0.1:{server.port}/"})
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True, timeout=120)
    assert "INBOX" in done.stdout


def test_a_token_opens_the_mailbox_of_its_user_alone(issuer: Issuer, server: Dovecot, good: str) -> None:
    assert server.log_in("demo", good) == "OK"
    assert server.log_in("admin", good) == "NO"
    assert server.log_in(str(claims_of(good)["sub"]), good) == "NO"
    service = issuer.signed(claims_of(good) | {"sub": "mua"}, kid=jwt.get_unverified_header(good)["kid"])
    assert server.log_in("mua", service).startswith("NO"), "a client's own token names no user"


def test_a_revoked_token_or_key_is_refused_at_once(issuer: Issuer, server: Dovecot, row: dict[str, str]) -> None:
    token = user_token(issuer, "mua", "imap")
    assert server.log_in("demo", token) == "OK"
    issuer.manage("revoke_tokens", "--jti", str(claims_of(token)["jti"]), "--yes")
    assert server.log_in("demo", token) == "NO"
    row["revoked token"] = row["revoked key"] = "the next login"


def test_a_wrong_secret_and_an_issuer_that_is_down_are_an_outage_to_the_client(
    issuer: Issuer, changes: dict[str, object], good: str
) -> None:
    for wrong in ({"SECRET": "a wrong secret"}, {ISSUER: f"https://localhost:{free()}"}):
        with dovecot(PAGE.block("ini"), issuer, {**changes, **wrong}) as server:
            assert server.log_in("demo", good) == "NO [UNAVAILABLE]"
