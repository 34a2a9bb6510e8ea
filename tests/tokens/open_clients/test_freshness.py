"""A metadata document is fresh for the time that its HTTP headers say, within bounds."""

from datetime import timedelta

import pytest

from tokens.open_clients import freshness
from tokens.open_clients.freshness import LEAST, MOST, UNSTATED

MONDAY = "Mon, 01 Jan 2029 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, UNSTATED),
        ({"cache-control": "public"}, UNSTATED),
        ({"cache-control": "max-age=600"}, timedelta(seconds=600)),
        ({"cache-control": 'public, MAX-AGE="600"'}, timedelta(seconds=600)),
        ({"cache-control": "max-age=600", "age": "500"}, timedelta(seconds=100)),
        ({"cache-control": "max-age=600", "age": "x"}, timedelta(seconds=600)),
        ({"cache-control": "max-age=0"}, LEAST),
        ({"cache-control": "max-age=60", "age": "999999999"}, LEAST),
        ({"cache-control": "max-age=999999999"}, MOST),
        ({"cache-control": "max-age=99999999999999999999"}, UNSTATED),
        ({"cache-control": "max-age=-1"}, UNSTATED),
        ({"cache-control": "no-store, max-age=600"}, LEAST),
        ({"cache-control": "No-Cache"}, LEAST),
        ({"expires": "Mon, 01 Jan 2029 12:10:00 GMT", "date": MONDAY}, timedelta(minutes=10)),
        ({"expires": "Mon, 01 Jan 2029 11:00:00 GMT", "date": MONDAY}, LEAST),
        ({"expires": "Tue, 01 Jan 2030 11:00:00 GMT", "date": MONDAY}, MOST),
        ({"expires": "0", "date": MONDAY}, LEAST),
        ({"expires": MONDAY}, LEAST),
        ({"expires": "Mon, 01 Jan 2029 12:10:00 -0000", "date": MONDAY}, LEAST),
        ({"expires": "Mon, 01 Jan 99999 12:10:00 GMT", "date": MONDAY}, LEAST),
    ],
)
def test_a_document_is_fresh_for_as_long_as_its_headers_say_within_bounds(headers, expected):
    assert freshness.lifetime(headers) == expected


def test_the_bounds_are_ordered():
    assert timedelta(0) < LEAST < UNSTATED < MOST
