"""If a process can issue tokens, and which problems it has."""

from unittest.mock import Mock

import pytest
from django.db import ProgrammingError, connection
from django.utils import timezone

from tokens.checks import readiness
from tokens.checks.readiness import UNCOUNTED, Readiness
from tokens.keys.errors import NotReady
from tokens.limits import cache_circuit
from tokens.limits.cache_circuit import NotCounted

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]


def judge():
    return readiness.judge(node_time=timezone.now())


def test_a_process_with_a_database_and_a_key_is_ready():
    assert judge() == Readiness(causes={}, attention=[])


def test_a_database_without_tables_has_a_cause_of_its_own():
    def no_tables(execute, sql, params, many, context):
        if "tokens_ring" in sql:
            raise ProgrammingError
        return execute(sql, params, many, context)

    with connection.execute_wrapper(no_tables):
        assert judge().causes == {"database": "the database has no tables: run manage.py migrate"}


@pytest.mark.parametrize(("setting", "missing"), [("on", ["database"]), ("off", [])])
def test_a_read_only_database_is_named(monkeypatch, setting, missing):
    monkeypatch.setitem(readiness.READ_ONLY, connection.vendor, f"SELECT '{setting}'")
    causes = judge().causes
    assert list(causes) == missing
    assert all(cause.startswith("the database is read-only") for cause in causes.values())


def test_each_missing_part_has_its_cause_and_leaves_no_attention(monkeypatch):
    monkeypatch.setitem(readiness.READ_ONLY, connection.vendor, "SELECT 'on'")
    monkeypatch.setattr(readiness.keyring, "signer", Mock(side_effect=NotReady("no key may sign")))
    monkeypatch.setattr(readiness.keyring, "overdue", Mock(return_value=True))
    state = judge()
    assert (list(state.causes), state.causes["signing key"], state.attention) == (
        ["database", "signing key"],
        "no key may sign",
        (),
    )


@pytest.mark.parametrize("alias", UNCOUNTED)
def test_a_cache_that_cannot_store_counters_is_under_attention(alias):
    now = timezone.now()
    with pytest.raises(NotCounted):
        cache_circuit.ask(alias, Mock(side_effect=OSError), now=now)
    state = readiness.judge(node_time=now)
    assert state.causes == {}
    assert UNCOUNTED[alias] in state.attention
