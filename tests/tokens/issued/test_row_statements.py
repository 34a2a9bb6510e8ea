"""Database rows are inserted and updated by plain SQL, with the same result as by Django's ORM."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tokens.issued import row_statements
from tokens.models import RefreshToken, UserGrant

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def grant(webapp, user):
    """Return a grant that was inserted by plain SQL. Its columns have a JSON list, a UUID, texts and NULL."""
    ends = NOW + timedelta(days=1)
    row = UserGrant(user=user, client=webapp, audience="a'b", scope="s", auth_time=NOW, created_at=NOW, ends_at=ends)
    row.amr, row.session_epoch = ["pwd", "otp"], uuid.uuid4()
    row_statements.insert(row)
    return row


def fields(row):
    return {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}


def token(grant, name):
    return RefreshToken(digest=name, family="f", grant=grant, created_at=NOW, expires_at=NOW)


def test_an_inserted_row_is_read_as_it_was_written(grant):
    assert fields(UserGrant.objects.get()) == fields(grant)
    row_statements.insert(token(grant, "t"))
    assert fields(RefreshToken.objects.get()) == fields(token(grant, "t"))


def test_a_row_is_not_inserted_twice(grant):
    with pytest.raises(IntegrityError), transaction.atomic():
        row_statements.insert(grant)


def test_an_update_changes_the_named_fields_of_that_row_only(grant):
    for name in "ab":
        row_statements.insert(token(grant, name))
    later = NOW + timedelta(seconds=1)
    row_statements.update(token(grant, "a"), used_at=NOW, expires_at=later)
    a, b = RefreshToken.objects.order_by("digest")
    assert (a.used_at, a.expires_at, a.retried_at) == (NOW, later, None)
    assert fields(b) == fields(token(grant, "b"))


def test_a_field_is_filled_once(grant):
    row_statements.insert(token(grant, "a"))
    assert row_statements.fill(token(grant, "a"), "used_at", NOW)
    assert not row_statements.fill(token(grant, "a"), "used_at", NOW + timedelta(days=1))
    assert not row_statements.fill(token(grant, "other"), "used_at", NOW)
    assert RefreshToken.objects.get().used_at == NOW


def test_further_fields_are_set_only_together_with_the_first(grant):
    assert row_statements.fill(grant, "revoked_at", NOW, revoke_reason="first")
    assert not row_statements.fill(grant, "revoked_at", NOW, revoke_reason="second")
    row = UserGrant.objects.get()
    assert (row.revoked_at, row.revoke_reason) == (NOW, "first")


def test_each_takes_one_statement(grant):
    with CaptureQueriesContext(connection) as queries:
        row_statements.insert(token(grant, "a"))
        row_statements.update(token(grant, "a"), last_used_at=NOW)
        row_statements.fill(token(grant, "a"), "used_at", NOW)
    assert len(queries) == 3
