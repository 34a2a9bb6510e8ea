"""The circuit breaker of a database server.

If the server does not answer, no thread tries to connect for a second. Then one thread tries, and the result of this
attempt opens or closes the circuit for all threads.
"""

import threading

import pytest

from project.postgresql.circuit import LEASE, PAUSE, Circuits, LockCircuit, ServerCircuit
from project.postgresql.errors import NotTried


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def elsewhere(circuit: ServerCircuit) -> bool:
    """Return True if the circuit breaker lets a thread other than this one connect."""
    admitted = []

    def try_circuit() -> None:
        try:
            circuit.require()
        except NotTried:
            admitted.append(False)
        else:
            admitted.append(True)

    thread = threading.Thread(target=try_circuit)
    thread.start()
    thread.join()
    return admitted[0]


def test_a_closed_circuit_admits_every_thread(clock: Clock) -> None:
    circuit = ServerCircuit(clock=clock)
    circuit.require()
    assert elsewhere(circuit)


def test_after_a_failure_no_thread_is_admitted_for_a_pause(clock: Clock) -> None:
    circuit = ServerCircuit(clock=clock)
    circuit.failed()
    clock.now += PAUSE - 0.01
    with pytest.raises(NotTried):
        circuit.require()


def test_after_the_pause_one_thread_tries_as_often_as_it_needs_and_no_other_does(clock: Clock) -> None:
    circuit = ServerCircuit(clock=clock)
    circuit.failed()
    clock.now += PAUSE
    for _ in range(3):
        circuit.require()
    assert not elsewhere(circuit)


def test_an_answer_closes_the_circuit_for_every_thread(clock: Clock) -> None:
    circuit = ServerCircuit(clock=clock)
    circuit.failed()
    clock.now += PAUSE
    circuit.require()
    circuit.answered()
    assert elsewhere(circuit)


def test_a_second_failure_begins_a_new_pause(clock: Clock) -> None:
    circuit = ServerCircuit(clock=clock)
    circuit.failed()
    clock.now += PAUSE
    circuit.require()
    circuit.failed()
    with pytest.raises(NotTried):
        circuit.require()


def test_a_thread_that_reports_no_result_does_not_keep_the_circuit_open(clock: Clock) -> None:
    circuit = ServerCircuit(clock=clock)
    circuit.failed()
    clock.now += PAUSE
    circuit.require()
    clock.now += LEASE
    assert elsewhere(circuit)


def test_databases_and_their_commits_have_circuits_of_their_own() -> None:
    circuits = Circuits()
    circuits.of("default", "answers").failed()
    circuits.of("default", "commits").require()
    circuits.of("api", "answers").require()
    with pytest.raises(NotTried):
        circuits.of("default", "answers").require()
    circuits.forget()
    circuits.of("default", "answers").require()


def test_the_circuit_of_locks_closes_for_every_thread_after_the_pause(clock: Clock) -> None:
    circuit = LockCircuit(clock=clock)
    circuit.failed()
    assert (elsewhere(circuit), circuit.is_open) == (False, True)
    clock.now += PAUSE
    circuit.require()
    assert (elsewhere(circuit), circuit.is_open) == (True, False)


def test_a_database_has_a_circuit_of_locks() -> None:
    assert isinstance(Circuits().of("default", "locks"), LockCircuit)
