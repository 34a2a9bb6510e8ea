"""The search for events of the audit trail. The newest events come first, a limited number at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from tokens.audit import search
from tokens.audit.search import Wanted
from tokens.models import AuditEvent

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def make(number, **fields):
    defaults = {"actor": "user:root", "action": "thing.done", "subject": "client:shop", "at": NOW}
    return [AuditEvent.objects.create(**defaults | {"at": NOW + timedelta(seconds=n)} | fields) for n in range(number)]


def test_an_empty_search_finds_every_event_newest_first():
    first, second = make(2)
    assert list(search.find(Wanted())) == [second, first]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(actor="user:ada"), {"by ada"}),
        (Wanted(client="shop"), {"by ada", "by shop"}),
        (Wanted(client="sho"), set()),
        (Wanted(action="key.revoked"), {"by shop"}),
        (Wanted(action="key"), set()),
        (Wanted(since=NOW + timedelta(seconds=2)), {"by shop"}),
        (Wanted(until=NOW + timedelta(seconds=2)), {"by ada", "other"}),
        (Wanted(actor="user:ada", action="key.revoked"), set()),
    ],
)
def test_each_field_limits_the_events(wanted, expected):
    make(1, actor="user:ada", details={"name": "by ada"})
    make(1, subject="user:eve", at=NOW + timedelta(seconds=1), details={"name": "other"})
    make(
        1,
        actor="client:shop",
        subject="key:k",
        action="key.revoked",
        at=NOW + timedelta(seconds=2),
        details={"name": "by shop"},
    )
    assert {event.details["name"] for event in search.find(wanted)} == expected


def test_older_events_are_those_below_an_event_in_the_list_also_at_the_same_instant():
    events = [*make(1), *make(3, at=NOW), *make(1, at=NOW - timedelta(days=1))]
    listed = list(search.find(Wanted()))
    assert set(listed) == set(events)
    for place, event in enumerate(listed):
        assert list(search.find(Wanted()).filter(search.before(event))) == listed[place + 1 :]


@pytest.mark.parametrize("limit", [0, 1, 4, 5, 6, 99])
def test_events_are_read_in_chunks_up_to_the_limit_each_once(monkeypatch, limit, django_assert_max_num_queries):
    monkeypatch.setattr(search, "CHUNK", 2)
    make(5, at=NOW)
    with django_assert_max_num_queries(3):
        events = list(search.newest(search.find(Wanted()), limit=limit))
    assert events == list(search.find(Wanted()))[:limit]


def test_the_names_of_events_are_listed_each_once():
    for action in ("b.done", "a.done", "b.done", "c.done"):
        make(1, action=action)
    assert search.actions() == ["a.done", "b.done", "c.done"]
