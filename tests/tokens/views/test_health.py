"""Alive and ready are two things."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connection
from django.utils import timezone

from tokens.keys import signing, store
from tokens.views import health

# The issuer's own URLs: in the standalone process the API answers at these addresses first.
pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]


def test_an_issuer_with_a_signer_and_a_database_is_ready(client, signer):
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_an_issuer_without_a_key_is_alive_and_not_ready(client):
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


def test_a_database_without_tables_is_told_from_one_that_is_away(client, signer):
    def no_tables(execute, sql, params, many, context):
        if "tokens_ring" in sql:
            raise ProgrammingError
        return execute(sql, params, many, context)

    with connection.execute_wrapper(no_tables):
        causes = client.get("/readyz").json()["causes"]
    assert causes["database"] == "its tables are missing: run manage.py migrate"


def test_a_wrong_encrypting_key_is_named_and_the_jwks_is_served(client, settings):
    call_command("rotate_keys", verbosity=0)
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    signing.snapshots.forget()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "KEY_ENCRYPTION_KEYS" in response.json()["causes"]["signing key"]
    assert len(client.get("/.well-known/jwks.json").json()["keys"]) == 2


def test_a_rotation_that_nobody_runs_asks_for_attention(client):
    call_command("rotate_keys", verbosity=0)
    assert client.get("/readyz").json() == {"status": "ok"}
    signing.snapshots.forget()
    late = timezone.now() + timedelta(days=92)
    with (
        patch.object(store, "database_now", return_value=late),
        patch.object(health.timezone, "now", return_value=late),
    ):
        assert client.get("/readyz").json() == {"status": "ok", "attention": ["rotation overdue"]}


@pytest.mark.parametrize(("setting", "status"), [("on", 503), ("off", 200)])
def test_a_read_only_database_is_named(client, signer, monkeypatch, setting, status):
    monkeypatch.setitem(health.READ_ONLY, connection.vendor, f"SELECT '{setting}'")
    response = client.get("/readyz")
    assert response.status_code == status
    if status == 503:
        assert response.json()["causes"]["database"].startswith("the database is read-only")
