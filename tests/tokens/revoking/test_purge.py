"""Purging deletes every expired row, finds the rows by an index, and does not count them."""

from datetime import timedelta
from unittest.mock import Mock
from uuid import UUID

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.tokens.factories import make_client, redeem
from tokens import registry_lock
from tokens.audit import trail
from tokens.models import ClientSecret, OpenClient, RefreshToken, Revocation, UserGrant
from tokens.revoking import purge

pytestmark = pytest.mark.django_db

BATCHES = 5
LONG_AGO = timedelta(days=3650)


def counted(queries):
    """Return the SQL statements that count rows."""
    return [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]


def is_searched(rows):
    """Return True if the database finds the rows by an index and sorts none of them."""
    plan = rows.explain()
    return "INDEX" in plan and "SCAN" not in plan and "TEMP B-TREE" not in plan


@pytest.fixture
def refresh_token(client, apis, code, signer):
    app = make_client("app", "authorization_code", "refresh_token", public=True)
    return redeem(client, app, code(app, scope="notes:read offline_access")).json()["refresh_token"]


def test_used_and_expired_refresh_tokens_are_purged(refresh_token):
    kept = RefreshToken.objects.values().get() | {"digest": "revoked", "used_at": timezone.now()}
    RefreshToken.objects.create(**kept)
    old = timezone.now() - LONG_AGO
    RefreshToken.objects.update(created_at=old, expires_at=old)
    UserGrant.objects.update(ends_at=old)
    call_command("purge_tokens", "--json")
    assert not RefreshToken.objects.exists()
    assert not UserGrant.objects.exists()


def test_every_table_whose_rows_expire_is_purged():
    """Every table whose rows expire is purged, except those of client secrets and self-registered clients.

    Administrators need to see expired secrets. The row about a self-registered client is deleted together with the
    client.
    """
    ends = {"expires_at", "ends_at", "until"}
    models = apps.get_app_config("tokens").get_models()
    ending = {model for model in models if ends & {field.name for field in model._meta.get_fields()}}
    assert ending - {ended(timezone.now()).model for ended in purge.TABLES.values()} == {ClientSecret, OpenClient}


def test_no_batch_counts_the_remaining_rows():
    old = timezone.now() - LONG_AGO
    for number in range(BATCHES):
        Revocation.objects.create(key=UUID(int=number), kind="jti", issued_before=0, until=int(old.timestamp()))
    with CaptureQueriesContext(connection) as queries:
        call_command("purge_tokens", "--json", "--batch", "1")
    assert counted(queries) == []
    assert not Revocation.objects.exists()


@pytest.mark.parametrize("table", purge.TABLES)
def test_the_purge_finds_its_rows_by_an_index(db, settings, table):
    settings.ISSUER = settings.ISSUER | {"AUDIT_RETENTION": timedelta(days=30)}  # without it no event ends
    trail.record("client.created", actor="test", subject="client:x", now=timezone.now())
    assert is_searched(purge.TABLES[table](timezone.now())[: purge.BATCH])


@pytest.mark.parametrize(("table", "locks"), [(purge.CLIENTS, 1), ("sessions", 0)])
def test_only_a_purge_of_clients_locks_the_registry(monkeypatch, table, locks):
    lock = Mock()
    monkeypatch.setattr(registry_lock, "lock", lock)
    assert list(purge.purge(table, now=timezone.now())) == []
    assert lock.call_count == locks
