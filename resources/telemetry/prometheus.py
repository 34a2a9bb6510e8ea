"""Exports the metrics with prometheus_client, an optional dependency (`keyturn-resources[metrics]`).

- `attach` registers the metrics with prometheus_client's registry. Any view or server that exposes this registry then
  exports them, also for several worker processes (PROMETHEUS_MULTIPROC_DIR).
- Django calls `attach` at start if RESOURCE_SERVER["METRICS"] is set.
"""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from . import metrics
from .metrics import METRICS, Metric

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""The upper bounds of the buckets of histograms, in seconds."""
MISSING = "Metrics need prometheus_client, which the extra `metrics` installs."
# A gauge has the values of running processes only.
MODES = {"min": "livemin", "max": "livemax", "sum": "livesum", "mostrecent": "livemostrecent"}


class PrometheusSink:
    """A sink that passes metrics on to a registry of prometheus_client.

    The registry is `registry` or, if `registry` is None, the default registry.
    """

    def __init__(self, exported: Sequence[Metric], *, registry: Any = None) -> None:
        self._client = _client()
        self._registered = {"registry": self._client.REGISTRY if registry is None else registry}
        self._exported, self._lock = frozenset(exported), Lock()
        # A gauge without labels would show 0 from its creation until its first value.
        self._families = {
            metric: _family(self._client, metric, self._registered)
            for metric in exported
            if metric.labels or metric.kind != "gauge"
        }
        self._children: dict[tuple[Metric, tuple[str, ...]], Any] = {}

    def add(self, metric: Metric, labels: tuple[str, ...], amount: float) -> None:
        """Increase the counter `metric` by `amount`. If `metric` is a histogram, add the observation `amount`."""
        child = self._child(metric, labels)
        if child is None:
            return
        if metric.kind == "histogram":
            child.observe(amount)
        else:
            child.inc(amount)

    def put(self, metric: Metric, labels: tuple[str, ...], value: float) -> None:
        """Set the gauge `metric` with these labels to `value`."""
        if (child := self._child(metric, labels)) is not None:
            child.set(value)

    def _child(self, metric: Metric, labels: tuple[str, ...]) -> Any:
        """Return the series of these labels, or None if this sink does not export the metric."""
        # Series are cached, because prometheus_client looks them up under a lock and converts each label, which takes
        # longer than counting.
        child = self._children.get((metric, labels))
        if child is None and metric in self._exported:
            family = self._family(metric)
            child = self._children[metric, labels] = family.labels(*labels) if labels else family
        return child

    def _family(self, metric: Metric) -> Any:
        with self._lock:
            if metric not in self._families:
                self._families[metric] = _family(self._client, metric, self._registered)
            return self._families[metric]


def attach(exported: Sequence[Metric] = METRICS, *, registry: Any = None) -> PrometheusSink:
    """Export the metrics in `exported` from now on. Return the sink, with which `detach` can stop the export.

    Raises ImproperlyConfigured if prometheus_client is not installed.
    """
    sink = PrometheusSink(exported, registry=registry)
    metrics.sinks.append(sink)
    return sink


def detach(sink: PrometheusSink) -> None:
    """Stop exporting to `sink`."""
    metrics.sinks.remove(sink)


def _client() -> Any:
    try:
        import prometheus_client  # noqa: PLC0415 (optional; it reads PROMETHEUS_MULTIPROC_DIR when it is imported)
    except ImportError:
        raise ImproperlyConfigured(MISSING) from None
    return prometheus_client


def _family(client: Any, metric: Metric, registered: dict[str, Any]) -> Any:
    if metric.kind == "counter":
        return client.Counter(metric.name, metric.meaning, metric.labels, **registered)
    if metric.kind == "histogram":
        return client.Histogram(metric.name, metric.meaning, metric.labels, buckets=BUCKETS, **registered)
    return client.Gauge(metric.name, metric.meaning, metric.labels, multiprocess_mode=MODES[metric.merge], **registered)
