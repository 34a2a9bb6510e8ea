"""The clocks that a test can set (tests/clock.py), and the fixture `at`."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.clock import clocks_at, database_at, freezer, node_at
from tokens.keys import store
from tokens.views import endpoint


def test_the_clock_stands_at_the_last_instant_and_goes_on_afterwards():
    start = timezone.now()
    with freezer() as freeze:
        freeze(start)
        assert endpoint.timezone.now() == timezone.now() == start
        freeze(start + timedelta(hours=1))
        assert endpoint.timezone.now() == start + timedelta(hours=1)
    assert start < timezone.now() < start + timedelta(hours=1)


def test_a_block_freezes_for_itself_alone(at):
    start = timezone.now()
    at(start)
    with at(start + timedelta(days=1)):
        assert timezone.now() == start + timedelta(days=1)
    assert timezone.now() == start


def test_each_clock_is_set_alone_and_both_together(db):
    start = timezone.now() + timedelta(days=1)
    with database_at(start):
        assert store.database_now() == start != timezone.now()
    with node_at(lambda: start):
        assert store.database_now() != start == timezone.now()
    with clocks_at(start):
        assert store.database_now() == start == timezone.now()
    with database_at(iter([start, start + timedelta(seconds=1)])):
        assert [store.database_now() - start for _ in range(2)] == [timedelta(0), timedelta(seconds=1)]


PATCHED = re.compile(
    r'''(patch|setattr)\("[\w.]+\.(timezone\.now|database_now)"'''
    r'''|(patch\.object|setattr)\(\w+\.?\w*, "(now|database_now)"'''
)
TESTS = Path(__file__).resolve().parent
ELSEWHERE = {TESTS / "clock.py", TESTS / "test_clock.py"}


def test_no_test_names_the_place_where_a_clock_is_read():
    tests = [path for path in TESTS.rglob("*.py") if path not in ELSEWHERE]
    assert [path.name for path in tests if PATCHED.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("line", "is_patched"),
    [
        ('patch("tokens.keys.store.database_now", return_value=late)', True),
        ('monkeypatch.setattr("tokens.keys.clock.timezone.now", late)', True),
        ('patch.object(store, "database_now", late)', True),
        ('patch.object(clock.timezone, "now", late)', True),
        ("database_at(late)", False),
        ('patch.object(store, "load", late)', False),
    ],
)
def test_a_patched_clock_is_found(line, is_patched):
    assert bool(PATCHED.search(line)) is is_patched
