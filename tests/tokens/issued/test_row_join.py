"""A database row and its related rows are read by one composed SQL statement.

The result is the same as by Django's ORM.
"""

import uuid
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import connection
from django.utils import timezone

from tokens.issued import row_statements
from tokens.issued.row_join import JoinedRows
from tokens.models import AuthorizationCode, RefreshToken, UserGrant

NOW = timezone.now()
TOKENS = JoinedRows(RefreshToken, "grant", "grant__user", where="digest = %s", lock=("grant", ""))
CODES = JoinedRows(AuthorizationCode, "grant", where="digest = %s AND client_id = %s")
CLIENTS = JoinedRows(
    RefreshToken, "grant", "grant__client", where="digest = %s", only={"grant__client": ("id", "name")}, further="1 + 1"
)


@pytest.fixture
def grant(webapp, user):
    """Return a grant with values of each kind: JSON, a UUID, an instant and NULL. It has a code and a refresh token."""
    ends = NOW + timedelta(days=1)
    row = UserGrant(user=user, client=webapp, audience="a'b", scope="s", auth_time=NOW, created_at=NOW, ends_at=ends)
    row.amr, row.session_epoch, row.claims = ["pwd"], uuid.uuid4(), {"userinfo": {"name": None}}
    row_statements.insert(row)
    row_statements.insert(RefreshToken(digest="t", family="f", grant=row, created_at=NOW, expires_at=NOW))
    row_statements.insert(AuthorizationCode(digest="c", grant=row, redirect_uri="", code_challenge="", expires_at=NOW))
    return row


def fields(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_the_instances_are_those_of_the_orm(grant, django_assert_num_queries):
    with django_assert_num_queries(1):
        token = TOKENS.first(["t"])
        read = [fields(token), fields(token.grant), fields(token.grant.user)]
    by_orm = RefreshToken.objects.select_related("grant__user").get()
    assert read == [fields(by_orm), fields(by_orm.grant), fields(by_orm.grant.user)]
    assert not token._state.adding
    assert token._state.db == by_orm._state.db


def test_both_sides_of_a_one_to_one_relation_are_read(grant, webapp, django_assert_num_queries):
    with django_assert_num_queries(1):
        code = CODES.first(["c", webapp.pk])
        assert code.grant.code is code


def test_a_row_that_does_not_meet_the_condition_is_not_read(grant, webapp):
    assert TOKENS.first(["other"]) is None
    assert CODES.first(["c", webapp.pk + 1]) is None
    assert CLIENTS.first_with(["other"]) == (None, None)


def test_the_fields_of_a_part_that_are_not_read_are_deferred(grant, webapp, django_assert_num_queries):
    with django_assert_num_queries(1):
        token, further = CLIENTS.first_with(["t"])
        assert (token.grant.client.name, further) == (webapp.name, 2)
    with django_assert_num_queries(1):
        assert token.grant.client.client_id == webapp.client_id


def test_a_changed_row_is_read_as_it_is_now(grant):
    assert TOKENS.first(["t"]).used_at is None
    RefreshToken.objects.update(used_at=NOW)
    assert TOKENS.first(["t"]).used_at == NOW


def test_the_rows_are_locked_in_the_order_that_is_named():
    with patch.object(type(connection.features), "has_select_for_update", new=True):
        locking = JoinedRows(RefreshToken, "grant", "grant__user", where="digest = %s", lock=("grant", ""))
        assert locking._statement.endswith(' FOR UPDATE OF "tokens_usergrant", "tokens_refreshtoken"')
        assert "FOR UPDATE" not in JoinedRows(RefreshToken, where="digest = %s")._statement
