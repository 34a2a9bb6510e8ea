"""`plain_sql.cursor` uses the cursor that the database backend keeps open, or else a cursor of Django."""

from contextlib import nullcontext
from unittest.mock import Mock, patch

import pytest
from django.db import IntegrityError, connection, transaction

from tokens import plain_sql
from tokens.models import Client, RegistryVersion


class Keeping(Mock):
    """A fake database backend that keeps a cursor open."""


@pytest.mark.django_db
def test_a_cursor_executes_and_returns_rows():
    with plain_sql.cursor() as cursor:
        cursor.execute("SELECT %s, 'b'", ["a"])
        assert tuple(cursor.fetchone()) == ("a", "b")


@pytest.mark.django_db
def test_the_errors_are_those_of_django():
    version = RegistryVersion.objects.create(pk=9, value="a")
    with pytest.raises(IntegrityError), transaction.atomic(), plain_sql.cursor() as cursor:
        cursor.execute("INSERT INTO tokens_registryversion (id, value) VALUES (%s, %s)", [version.pk, "b"])


def test_a_backend_that_keeps_a_cursor_is_used():
    backend = Keeping(kept_cursor=lambda: nullcontext("kept"))
    with patch.object(plain_sql, "backend", return_value=backend), plain_sql.cursor() as cursor:
        assert cursor == "kept"


def test_the_values_of_a_row_are_converted_as_by_the_orm(webapp):
    names = ("id", "grants", "is_active", "last_used_on", "refresh_token_lifetime")
    columns = [Client._meta.get_field(name).get_col("tokens_client") for name in names]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(names)} FROM tokens_client WHERE id = %s", [webapp.pk])
        row = cursor.fetchone()
    by_orm = Client.objects.values_list(*names).get(pk=webapp.pk)
    assert tuple(plain_sql.converted(row, plain_sql.conversions(columns))) == by_orm
