"""The circuit breaker of caches.

A cache that failed is not queried for some seconds. Another cache at the same address is not queried, either.
"""

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from tokens.limits import cache_circuit
from tokens.limits.cache_circuit import ALIASES, PAUSE, NotCounted

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def failing(error=OSError):
    return Mock(side_effect=error)


def ask(question, alias="default", *, after=0.0):
    return cache_circuit.ask(alias, question, now=NOW + timedelta(seconds=after))


@pytest.fixture
def places(settings):
    """Return a function that configures the two caches with the given addresses."""

    def put(default, guesses):
        backend = "django.core.cache.backends.locmem.LocMemCache"
        locations = {"default": default, "guesses": guesses}
        settings.CACHES = {alias: {"BACKEND": backend, "LOCATION": place} for alias, place in locations.items()}

    return put


@pytest.mark.parametrize("error", [OSError, TimeoutError, ValueError])
def test_a_cache_that_fails_raises_not_counted(error):
    with pytest.raises(NotCounted):
        ask(failing(error))
    assert cache_circuit.is_unreachable("default")


def test_a_cache_that_failed_is_asked_once_in_five_seconds():
    question = failing(TimeoutError)
    for tenth in range(200):  # twenty seconds
        with pytest.raises(NotCounted):
            ask(question, after=tenth / 10)
    assert question.call_count == 4


def test_a_cache_that_answers_again_is_queried_by_every_request():
    with pytest.raises(NotCounted):
        ask(failing())
    with pytest.raises(NotCounted):
        ask(lambda _: 1, after=PAUSE - 0.1)
    assert [ask(lambda _: 1, after=PAUSE) for _ in range(3)] == [1, 1, 1]
    assert not cache_circuit.is_unreachable("default")


@pytest.mark.parametrize(("second", "together"), [("a", True), ("b", False)])
def test_two_caches_fail_together_only_if_they_are_in_one_place(places, second, together):
    places("a", second)
    with pytest.raises(NotCounted):
        ask(failing())
    assert [cache_circuit.is_unreachable(alias) for alias in ALIASES] == [True, together]


@pytest.mark.parametrize("alias", ALIASES)
def test_a_question_gets_the_cache_of_its_alias(places, alias):
    places(f"of {alias}", f"not of {alias}")
    ask(lambda cache: cache.set("name", alias), alias)
    assert [ask(lambda cache: cache.get("name"), cache_alias) for cache_alias in ALIASES] == [
        alias if cache_alias == alias else None for cache_alias in ALIASES
    ]


def test_a_cache_that_failed_takes_no_counters():
    assert cache_circuit.takes_counters("default", now=NOW)
    with pytest.raises(NotCounted):
        ask(failing())
    assert not cache_circuit.takes_counters("default", now=NOW)
