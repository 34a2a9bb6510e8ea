"""Expired rows are deleted with the rows that refer to them, in batches whose duration is bounded."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tokens.models import AuthorizationCode, Client, DeviceCode, InitialAccessToken, RefreshToken, UserGrant
from tokens.revoking import row_deletion
from tokens.revoking.row_deletion import AIM, BatchSize, ExpiredRows

NOW = timezone.now()
NUMBER = 5


@pytest.fixture
def grants(webapp, user):
    """Create NUMBER expired grants and one valid grant, and return them, the valid one last.

    Each grant has a redeemed code, a device code and two refresh tokens.
    """
    made = [
        UserGrant.objects.create(
            user=user,
            client=webapp,
            audience="a",
            scope="s",
            auth_time=NOW,
            created_at=NOW,
            ends_at=NOW + timedelta(seconds=number - NUMBER),
        )
        for number in range(NUMBER + 1)
    ]
    for grant in made:
        AuthorizationCode.objects.create(digest=f"c{grant.pk}", grant=grant, expires_at=NOW, redeemed_at=NOW)
        DeviceCode.objects.create(
            digest=f"d{grant.pk}",
            user_code_digest=f"u{grant.pk}",
            client=webapp,
            created_at=NOW,
            expires_at=NOW,
            interval=5,
            grant=grant,
        )
        for name in "ab":
            RefreshToken.objects.create(digest=f"{name}{grant.pk}", grant=grant, created_at=NOW, expires_at=NOW)
    return made


def expired_grants():
    return UserGrant.objects.filter(ends_at__lt=NOW).order_by("ends_at")


def test_grants_are_deleted_with_their_codes_and_tokens_and_no_other(grants):
    rows = ExpiredRows(expired_grants())
    assert [rows.delete(most=3) for _ in range(3)] == [3, 2, 0]
    left = grants[-1].pk
    assert list(UserGrant.objects.values_list("pk", flat=True)) == [left]
    for model, number in [(AuthorizationCode, 1), (DeviceCode, 1), (RefreshToken, 2)]:
        assert list(model.objects.values_list("grant", flat=True)) == [left] * number


def test_the_oldest_rows_are_deleted_first(grants):
    assert ExpiredRows(expired_grants()).delete(most=2) == 2
    assert set(UserGrant.objects.values_list("pk", flat=True)) == {grant.pk for grant in grants[2:]}


@pytest.mark.parametrize(("rows", "statements"), [("grants", 5), ("refresh tokens", 1)])
def test_a_batch_of_any_size_takes_the_same_number_of_statements(grants, rows, statements):
    query = {
        "grants": expired_grants(),
        "refresh tokens": RefreshToken.objects.filter(grant__in=grants).order_by("pk"),
    }[rows]
    batches = ExpiredRows(query)
    for most in (1, 4):
        with CaptureQueriesContext(connection) as queries:
            assert batches.delete(most=most) == most
        assert len(queries) == statements


def test_a_query_that_matches_nothing_deletes_nothing(grants):
    assert ExpiredRows(UserGrant.objects.none()).delete(most=9) == 0
    assert UserGrant.objects.count() == len(grants)


def test_a_row_whose_deletion_changes_others_is_left_to_django():
    for model, referring in [(UserGrant, 3), (RefreshToken, 0)]:
        assert len(row_deletion._referring(model)) == referring
    for model in (Client, InitialAccessToken):
        assert row_deletion._referring(model) is None


def test_a_batch_shrinks_if_it_took_long_and_grows_slowly():
    size = BatchSize(most=1000)
    assert size.rows == 250
    assert size.after(AIM).rows == 250
    assert size.after(AIM / 100).rows == 375, "by half at most"
    assert size.after(2 * AIM).rows == 125
    assert size.after(99.0).rows == 100, "a busy machine takes long for any batch"
    assert BatchSize(most=1000, wanted=900).after(0.0).rows == 1000
    assert BatchSize(most=2).after(0.0).rows == 2
