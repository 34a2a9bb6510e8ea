"""/healthz and /readyz: a process can be alive (healthz) without being ready (readyz)."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from tests.clock import clocks_at
from tokens.keys import keyring

# The issuer's own URLs: in the standalone process the API answers at these addresses first.
pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]


def test_an_issuer_with_a_signer_and_a_database_is_ready(client, signer):
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_an_issuer_without_a_key_answers_healthz_and_is_not_ready(client):
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert (response.status_code, response.json()["missing"]) == (503, ["signing key"])
    assert response["Retry-After"] == "5"


def test_an_issuer_without_a_database_is_not_ready(client, signer, monkeypatch):
    def broken():
        raise DatabaseError

    monkeypatch.setattr(connection, "cursor", broken)
    assert client.get("/readyz").json() == {
        "status": "unavailable",
        "missing": ["database"],
        "causes": {"database": "the database does not answer"},
    }


def test_a_wrong_encrypting_key_is_named_and_the_jwks_is_served(client, settings):
    call_command("rotate_keys", verbosity=0)
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    keyring.snapshots.forget()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "KEY_ENCRYPTION_KEYS" in response.json()["causes"]["signing key"]
    assert len(client.get("/.well-known/jwks.json").json()["keys"]) == 2


def test_an_overdue_rotation_is_named_under_attention(client):
    call_command("rotate_keys", verbosity=0)
    assert client.get("/readyz").json() == {"status": "ok"}
    keyring.snapshots.forget()
    late = timezone.now() + timedelta(days=92)
    with clocks_at(late):
        assert client.get("/readyz").json() == {"status": "ok", "attention": ["rotation overdue"]}


PROBES = ["/healthz", "/readyz"]
OPERATOR = "an-operator-token-of-forty-characters-xx"


@pytest.fixture
def operator(settings):
    settings.ISSUER = settings.ISSUER | {"OPERATOR_TOKEN": OPERATOR}


@pytest.mark.parametrize("path", PROBES)
@pytest.mark.parametrize("host", ["10.0.0.5", "elsewhere.example", "a..b", ""])
def test_a_probe_is_answered_for_any_host_and_scheme(client, signer, settings, path, host):
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["issuer.example"]
    assert client.get(path, HTTP_HOST=host).status_code == 200
    assert client.get("/accounts/login/", HTTP_HOST=host).status_code == 400


@pytest.mark.parametrize("path", [f"{path}/" for path in PROBES])
def test_another_path_is_not_answered_for_any_host(client, settings, path):
    settings.ALLOWED_HOSTS = ["issuer.example"]
    assert client.get(path, HTTP_HOST="10.0.0.5").status_code == 400


@pytest.mark.parametrize(
    "stranger",
    [
        {"REMOTE_ADDR": "192.0.2.1"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "::1", "HTTP_FORWARDED": "for=192.0.2.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_VIA": "1.1 proxy"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": "192.0.2.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": ""},
        {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer another"},
        {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer "},
        {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Basic {OPERATOR}"},
    ],
)
@pytest.mark.parametrize("path", ["/readyz", "/readyz?seen"])
def test_only_the_operator_reads_causes(client, operator, stranger, path):
    response = client.get(path, **stranger)
    assert (response.status_code, response.json()) == (503, {"status": "unavailable"})


@pytest.mark.parametrize("empty", ["Bearer ", "Bearer", ""])
def test_without_operator_token_no_bearer_token_is_the_operator_s(client, empty):
    response = client.get("/readyz", REMOTE_ADDR="192.0.2.1", HTTP_AUTHORIZATION=empty)
    assert response.json() == {"status": "unavailable"}


@pytest.mark.parametrize(
    "headers",
    [
        {"REMOTE_ADDR": "127.0.0.1"},
        {"REMOTE_ADDR": "::1"},
        {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Bearer {OPERATOR}"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1", "HTTP_AUTHORIZATION": f"bearer {OPERATOR}"},
    ],
)
def test_the_operator_reads_causes(client, operator, headers):
    assert client.get("/readyz", **headers).json()["missing"] == ["signing key"]


def test_the_operator_can_read_which_address_the_issuer_sees(client, signer, settings):
    settings.ISSUER = settings.ISSUER | {"OPERATOR_TOKEN": OPERATOR, "BEHIND_PROXY": True}
    headers = {"HTTP_AUTHORIZATION": f"Bearer {OPERATOR}", "HTTP_X_FORWARDED_FOR": "203.0.113.9, 192.0.2.1"}
    seen = {"address": "192.0.2.1", "scheme": "http", "host": "testserver"}
    assert client.get("/readyz?seen", **headers, HTTP_HOST="testserver").json() == {"status": "ok", "seen": seen}
