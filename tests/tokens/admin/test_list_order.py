"""The order of a list in the admin: for each row, the rows that come after it.

The tests cover each sort direction, and columns with empty values.
"""

from datetime import date

import pytest
from django.db.models import F

from tests.tokens.factories import make_client
from tokens.admin.list_order import Column, columns, following
from tokens.models import Client, InitialAccessToken, OpenClient, User, UserGrant

DAYS = (None, date(2030, 1, 1), date(2030, 1, 2), None, date(2030, 1, 1))


@pytest.fixture
def clients(db):
    for number, day in enumerate(DAYS):
        make_client(f"c{number}", last_used_on=day)
        Client.objects.filter(client_id=f"c{number}").update(name=f"Client {number % 2}")


@pytest.mark.parametrize(
    "ordering",
    [
        ["pk"],
        ["-pk"],
        ["name", "-pk"],
        ["-name", "pk"],
        ["last_used_on", "-pk"],
        ["-last_used_on", "-pk"],
        ["-last_used_on", "name", "pk"],
        ["is_active", "last_used_on", "-name", "-id"],
    ],
)
@pytest.mark.parametrize("is_backwards", [False, True])
def test_each_row_is_followed_by_the_rows_after_it(clients, ordering, is_backwards):
    order = columns(Client, ordering)
    order = [column.opposite for column in order] if is_backwards else order
    ordered = Client.objects.order_by(*(column.expression for column in order))
    rows = list(ordered)
    assert len({row.pk for row in rows}) == len(DAYS)
    for place, row in enumerate(rows):
        assert list(ordered.filter(following(order, row))) == rows[place + 1 :]


def test_empty_values_are_last_ascending_and_first_descending(clients):
    first, second = DAYS[1], DAYS[2]
    for name, expected in (
        ("last_used_on", [first, first, second, None, None]),
        ("-last_used_on", [None, None, second, first, first]),
    ):
        order = columns(Client, [name, "pk"])
        ordered = Client.objects.order_by(*(column.expression for column in order))
        assert list(ordered.values_list("last_used_on", flat=True)) == expected


def test_the_columns_are_fields_of_the_table():
    assert columns(User, ["username"]) == (Column("username", is_descending=False, can_be_empty=False),)
    assert columns(Client, ["-last_used_on", "-pk"]) == (
        Column("last_used_on", is_descending=True, can_be_empty=True),
        Column("id", is_descending=True, can_be_empty=False),
    )


def test_a_column_that_is_named_again_counts_once():
    """If the address of a list names a column several times, only the first time has an effect."""
    assert columns(User, ["username", "-username", "pk"] * 1000) == columns(User, ["username", "pk"])


def test_a_reference_is_sorted_by_its_key():
    assert columns(UserGrant, ["user"]) == (Column("user_id", is_descending=False, can_be_empty=False),)


@pytest.mark.parametrize("entry", ["?", "user__username", "nothing", F("id").asc(), "refresh_tokens"])
def test_an_order_by_anything_else_has_no_columns(entry):
    assert columns(UserGrant, [entry, "pk"]) == ()


def test_a_reference_to_a_table_with_an_order_of_its_own_has_no_columns():
    """`columns` returns () for a list that is sorted by a foreign key to a table with a default order.

    Django sorts such a list by the default order of the other table, and not by the stored key. The stored key is in
    the column `initial_token_id`, by which a list can be sorted.
    """
    assert InitialAccessToken._meta.ordering
    assert columns(OpenClient, ["initial_token", "pk"]) == ()
    assert columns(OpenClient, ["initial_token_id", "pk"]) != ()
