"""The thread that updates the gauges of the issuer's state, and the gauges of the databases' circuit breakers."""

from threading import Event

from project.metrics import catalog, state
from project.metrics.state import Sampler
from project.postgresql.circuit import circuits


def test_an_open_circuit_of_a_database_is_a_gauge(registry):
    circuit = circuits.of("default", "answers")
    circuit.failed()
    try:
        state.record(state.of_databases(None))
    finally:
        circuits.forget()
    assert registry.get_sample_value("keyturn_circuit_open", {"dependency": "database:default:answers"}) == 1


def test_the_thread_goes_on_after_a_reader_that_fails(registry):
    seen, calls = Event(), []

    def broken(_now):
        raise RuntimeError

    def reader(now):
        calls.append(now)
        if len(calls) == 2:
            seen.set()
        yield catalog.FEED_VERSION, 3, ()

    sampler = Sampler([broken, reader], every=0.01)
    sampler.start()
    assert seen.wait(60)
    sampler.stop()
    assert registry.get_sample_value("keyturn_feed_version") == 3
