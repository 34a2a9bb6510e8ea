"""Each change of a table of the registry gives the registry a new version, except changes of a few columns."""

import pytest
from django.db import connection

from tests.tokens.factories import API, OTHER_API
from tokens.clients import registry
from tokens.models import Api, Client, ClientSecret, ExchangePolicy, Scope

pytestmark = pytest.mark.django_db

WATCHED = [
    Client,
    ClientSecret,
    Api,
    Scope,
    ExchangePolicy,
    Client.scopes.through,
    Client.apis.through,
    ExchangePolicy.scopes.through,
]
UNCOUNTED = {
    Client: {"last_used_on"},
    ClientSecret: {"last_used_on", "digest", "encryption_key_id", "imported_hash", "hint"},
}


@pytest.fixture
def registered(service, apis):
    """Create a row in each table that belongs to the registry of clients."""
    policy = ExchangePolicy.objects.create(client=service, api=apis[OTHER_API])
    policy.scopes.set(Scope.objects.filter(name="other:read"))
    service.apis.set([apis[API]])


@pytest.mark.parametrize("model", WATCHED, ids=lambda model: model.__name__)
def test_each_change_of_each_table_gives_a_new_version(registered, model):
    """Each table of the registry is tested, because a migration that rebuilds a table in SQLite drops its triggers."""
    table = model._meta.db_table
    columns = ", ".join(field.column for field in model._meta.concrete_fields)
    versions = [registry.version()]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE kept AS SELECT * FROM {table}")
        for change in (f"DELETE FROM {table}", f"INSERT INTO {table} ({columns}) SELECT {columns} FROM kept"):
            cursor.execute(change)
            versions.append(registry.version())
        cursor.execute("DROP TABLE kept")
    assert len(set(versions)) == 3


@pytest.mark.parametrize("model", WATCHED, ids=lambda model: model.__name__)
def test_every_column_gives_a_new_version_except_last_use_and_hash(registered, model):
    """The test fails if a migration adds a column without adding it to the trigger."""
    for field in model._meta.concrete_fields:
        before = registry.version()
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {model._meta.db_table} SET {field.column} = {field.column}")
        assert (registry.version() == before) == (field.column in UNCOUNTED.get(model, ())), field.column
