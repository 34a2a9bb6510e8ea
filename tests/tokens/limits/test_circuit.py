"""A circuit breaker. After a failure, it admits one call per pause, until the dependency answers."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tokens.limits.circuit import Circuit
from tokens.limits.counter_memory import CounterMemory


@pytest.fixture
def circuit():
    return Circuit(5)


def test_a_closed_circuit_admits_each_request(circuit):
    assert all(circuit.begin_call(0) for _ in range(3))
    circuit.succeeded()
    assert circuit.begin_call(0)


def test_after_a_failure_no_caller_is_admitted_for_the_pause_then_one_is(circuit):
    circuit.failed(100)
    assert [circuit.begin_call(at) for at in (100, 104.9, 105, 105, 109.9, 110)] == [
        False,
        False,
        True,
        False,
        False,
        True,
    ]


def test_the_next_caller_s_success_closes_the_circuit_and_its_failure_does_not(circuit):
    circuit.failed(100)
    assert circuit.begin_call(105)
    circuit.failed(105.2)
    assert not circuit.begin_call(110)
    assert circuit.begin_call(110.2)
    circuit.succeeded()
    assert circuit.begin_call(110.3)
    assert circuit.begin_call(110.3)


def test_another_caller_is_admitted_if_one_reports_no_result(circuit):
    circuit.failed(100)
    assert circuit.begin_call(105)
    assert circuit.begin_call(110)


def test_a_clock_that_is_set_back_does_not_keep_the_circuit_open(circuit):
    circuit.failed(10_000)
    assert circuit.begin_call(100)
    assert not circuit.begin_call(101)


def test_of_many_concurrent_callers_one_is_admitted(circuit):
    circuit.failed(0)
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: circuit.begin_call(5), range(500))) == 1


def test_a_counter_memory_keeps_highest_values_and_drops_the_oldest_counter():
    memory = CounterMemory(2)
    for key, value in (("a", 3), ("b", 1), ("a", 2), ("c", 1)):
        memory.record(key, value)
    assert [memory.highest(key) for key in "abc"] == [3, 0, 1]
    memory.clear()
    assert memory.highest("a") == 0
