"""The metrics of an API, with an exporter (prometheus_client) and without one."""

import sys
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from prometheus_client import CollectorRegistry

from resources.errors import ProofReason, Reason
from resources.issuers import trusts
from resources.jose.jwk import Verdict
from resources.keysets.keyset import Fetched
from resources.outbound.fetch import FetchError
from resources.telemetry import counters, metrics, prometheus

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)
ISSUER = "https://issuer.example"
STATUS = {"version": "105.kT3", "entries": 4, "late": False, "age": 30}


@pytest.fixture
def registry():
    made = CollectorRegistry()
    sink = prometheus.attach(registry=made)
    yield made
    prometheus.detach(sink)


def test_without_a_sink_nothing_happens():
    assert metrics.sinks == []
    metrics.add(metrics.TOKENS, "accepted", "")
    metrics.put(metrics.FEED_LATE, 1, ISSUER)


@pytest.mark.parametrize("reason", Reason)
def test_a_refused_token_is_counted_by_its_reason(registry, reason):
    counters.counters.count(f"refused_{reason.name.lower()}")
    labels = {"result": "refused", "reason": reason.name.lower()}
    assert registry.get_sample_value("keyturn_api_tokens_total", labels) == 1


@pytest.mark.parametrize("reason", ProofReason)
def test_a_refused_proof_is_counted_by_its_reason(registry, reason):
    counters.counters.count(f"refused_proof_{reason.name.lower()}")
    labels = {"result": "proof_refused", "reason": reason.name.lower()}
    assert registry.get_sample_value("keyturn_api_tokens_total", labels) == 1


def test_an_accepted_token_is_counted_without_a_reason(registry):
    counters.counters.count("accepted")
    assert registry.get_sample_value("keyturn_api_tokens_total", {"result": "accepted", "reason": ""}) == 1


def test_the_gauges_of_a_feed():
    assert dict(metrics.poll_samples(STATUS, now=NOW)) == {
        metrics.FEED_VERSION: 105,
        metrics.FEED_ENTRIES: 4,
        metrics.FEED_LATE: 0,
        metrics.FEED_HEARD: NOW.timestamp() - 30,
    }


def test_a_feed_that_was_never_fetched_has_no_time():
    samples = dict(metrics.poll_samples(STATUS | {"version": "", "age": None, "late": True}, now=NOW))
    assert samples[metrics.FEED_VERSION] == 0
    assert samples[metrics.FEED_LATE] == 1
    assert metrics.FEED_HEARD not in samples


def test_a_metric_that_a_sink_does_not_export_is_ignored(registry):
    metrics.add(metrics.Metric("keyturn_another_total", "counter", "another"))
    assert registry.get_sample_value("keyturn_another_total") is None


class Answers:
    """A replacement for a fetch or poll. Each call returns or raises the next of the given results."""

    def __init__(self, *answers):
        self._answers = list(answers)

    def __call__(self, **_):
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_fetches_of_the_jwks_are_counted_by_result(registry):
    fetch = trusts._observed_fetch(ISSUER, Answers(Fetched([Verdict("a")]), Fetched(None), FetchError("away")))
    fetch(etag="", forced=False)
    fetch(etag="", forced=False)
    with pytest.raises(FetchError):
        fetch(etag="", forced=False)
    for result in ("read", "not_modified", "failed"):
        labels = {"issuer": ISSUER, "result": result}
        assert registry.get_sample_value("keyturn_api_jwks_fetches_total", labels) == 1
    assert registry.get_sample_value("keyturn_api_jwks_keys", {"issuer": ISSUER}) == 1
    assert registry.get_sample_value("keyturn_api_jwks_fetched_timestamp_seconds", {"issuer": ISSUER}) > 0


def test_polls_of_the_feed_are_counted_by_result(registry):
    class Feed:
        failures = 0

        def poll(self):
            return 7.0

        def status(self):
            return STATUS | {"failures": self.failures}

    class Failing(Feed):
        def poll(self):
            self.failures += 1
            return 8.0

    poll = trusts._observed_poll(ISSUER)
    assert [poll(Feed()), poll(Failing())] == [7.0, 8.0]
    for result in ("read", "failed"):
        assert registry.get_sample_value("keyturn_api_feed_polls_total", {"issuer": ISSUER, "result": result}) == 1
    assert registry.get_sample_value("keyturn_api_feed_version", {"issuer": ISSUER}) == 105


@pytest.mark.parametrize("exported", [True, False])
def test_the_setting_exports_the_metrics_from_zero(settings, monkeypatch, exported):
    made, sinks = CollectorRegistry(), []
    monkeypatch.setattr(metrics, "sinks", sinks)
    monkeypatch.setattr("prometheus_client.REGISTRY", made)
    settings.RESOURCE_SERVER = settings.RESOURCE_SERVER | {"METRICS": exported}
    apps.get_app_config("resources").ready()
    value = made.get_sample_value("keyturn_api_tokens_total", {"result": "refused", "reason": "signature"})
    assert (len(sinks), value) == ((1, 0) if exported else (0, None))


def test_without_the_client_library_the_setting_names_the_extra(settings, monkeypatch):
    settings.RESOURCE_SERVER = settings.RESOURCE_SERVER | {"METRICS": True}
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImproperlyConfigured, match="extra `metrics`"):
        apps.get_app_config("resources").ready()
