"""docs/resource-servers/rabbitmq.md: RabbitMQ accepts access tokens as passwords.

The scopes of the token decide what the user may do.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ports import free
from tests.servers import certificates, checks, environment
from tests.servers.issuer import Issuer
from tests.servers.page import ISSUER, Page, adapted
from tests.services.rabbitmq import node

PAGE = Page("rabbitmq")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
SCOPES = [f"urn:rabbitmq.{permission}:*/*" for permission in ("read", "write", "configure")]
REFUSALS = ("ACCESS_REFUSED", "NOT_ALLOWED", "ProbableAuthenticationError", "ProbableAccessDeniedError")
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("rabbitmq")]


def conf(printed: str, port: int, ca: Path) -> str:
    """Return the rabbitmq.conf that the command printed, with the CA file `ca`. RabbitMQ listens only on loopback."""
    config = adapted(printed, {BUNDLE: ca})
    return f"{config}listeners.tcp.1 = 127.0.0.1:{port}\n"


def sender(folder: Path, port: int) -> Callable[[str | None], str]:
    """Return a function that runs the documentation page's client with a token, and returns "accepted" or "refused"."""
    script = folder / "send.py"
    script.write_text(adapted(PAGE.files()["send.py"], {'"localhost", 5672': f'"127.0.0.1", {port}'}))

    def ask(token: str | None) -> str:
        command = [environment.python(), script, token or ""]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode == 0:
            return "accepted"
        assert any(refusal in done.stderr for refusal in REFUSALS), done.stderr
        return "refused"

    return ask


@pytest.fixture(scope="module")
def printed(issuer: Issuer) -> str:
    """Register the API with `create_api --for rabbitmq`, and the client as the documentation page does.

    Returns the rabbitmq.conf that `create_api` printed.
    """
    made = json.loads(issuer.manage("create_api", "--for", "rabbitmq", "--json"))
    issuer.create(*PAGE.commands()[1])
    issuer.followed.add(PAGE.name)
    (config,) = [part["code"] for part in made["configuration"] if part["language"] == "ini"]
    assert ISSUER not in config
    return str(config)


@pytest.fixture(scope="module")
def good(issuer: Issuer, printed: str) -> str:
    return issuer.token("shop", scope=" ".join(SCOPES))


@pytest.fixture(scope="module")
def send(
    issuer: Issuer, printed: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str | None], str]]:
    folder, port = tmp_path_factory.mktemp("rabbitmq"), free()
    with node(folder, port, conf=conf(printed, port, issuer.ca)):
        yield sender(folder, port)


def test_the_server_accepts_only_a_valid_token(
    issuer: Issuer, send: Callable[[str | None], str], good: str, row: dict[str, str]
) -> None:
    # RabbitMQ does not look at iss, as the page says.
    others = {"another issuer": "accepted"}
    results = checks.good_alone(issuer, good, send, accepted="accepted", refused="refused", others=others)
    row |= results | {"name": f"[RabbitMQ](rabbitmq.md) {version()}"}


def version() -> str:
    command = ["dpkg-query", "--show", "--showformat=${Version}", "rabbitmq-server"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.findall(r"^[\d.]+", printed)[0]


@pytest.mark.parametrize("lacking", SCOPES[1:])
def test_each_permission_needs_its_scope(
    issuer: Issuer, send: Callable[[str | None], str], good: str, lacking: str
) -> None:
    assert send(good) == "accepted"
    fewer = issuer.token("shop", scope=" ".join(scope for scope in SCOPES if scope != lacking))
    assert send(fewer) == "refused"


def test_a_revoked_token_passes_and_a_revoked_key_s_until_a_token_of_an_unknown_key(
    issuer: Issuer, send: Callable[[str | None], str], good: str, row: dict[str, str]
) -> None:
    token = issuer.token("shop", scope=" ".join(SCOPES))
    issuer.revoke("shop", token)
    assert send(token) == "accepted"
    row["revoked token"] = "its expiry"
    assert checks.revoked_key(issuer, good, send) == "a token of an unknown key"
    row["revoked key"] = "the flush and one token"


def test_the_token_of_flush_token_makes_it_fetch_the_jwks(
    issuer: Issuer, send: Callable[[str | None], str], good: str
) -> None:
    assert send(good) == "accepted"
    before = issuer.front.fetches()
    made = json.loads(issuer.manage("flush_token", "urn:rabbitmq", "--url", "http://unused/", "--json"))
    assert send(made["token"]) == "refused"
    assert issuer.front.fetches() > before


def test_a_jwks_under_an_untrusted_certificate_is_not_used(
    issuer: Issuer, printed: str, good: str, tmp_path: Path
) -> None:
    other, _ = certificates.make(tmp_path)
    port, before = free(), issuer.front.fetches()
    with node(tmp_path, port, conf=conf(printed, port, other)):
        assert sender(tmp_path, port)(good) == "refused"
    assert issuer.front.fetches() == before
