"""Alive and ready are two things."""

import pytest
from django.db import DatabaseError, connection

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
    assert client.get("/readyz").json() == {"status": "unavailable", "missing": ["database"]}
