"""The store of refusals in the shared cache."""

from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from django.core.cache import caches

from tokens.limits import cache_circuit
from tokens.limits.cache_circuit import NotCounted
from tokens.views import refusal_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_value_is_taken_once():
    refusal_store.keep("name", ("a", 1), 60, now=NOW)
    assert [refusal_store.take("name", now=NOW) for _ in range(2)] == [("a", 1), None]


def test_a_value_that_another_process_deletes_in_between_is_not_taken(monkeypatch):
    refusal_store.keep("name", 1, 60, now=NOW)
    cache = caches["default"]
    get = cache.get

    def read_and_lose(key):
        value = get(key)
        cache.delete(key)
        return value

    monkeypatch.setattr(cache, "get", read_and_lose)
    assert refusal_store.take("name", now=NOW) is None


def test_the_store_of_a_cache_that_failed_keeps_and_takes_nothing():
    with pytest.raises(NotCounted):
        cache_circuit.ask("default", Mock(side_effect=OSError), now=NOW)
    with pytest.raises(NotCounted):
        refusal_store.keep("name", 1, 60, now=NOW)
    with pytest.raises(NotCounted):
        refusal_store.take("name", now=NOW)
