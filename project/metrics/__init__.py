"""Metrics for Prometheus: measures the issuer, and serves the metrics of an issuer or an API on METRICS_PORT.

The metrics are off unless METRICS_PORT is set.

Owns: the metrics of the issuer and of the server processes, their bounded labels, and the port that exposes the metrics
of all worker processes of an issuer or an API.
Does not own: the definition of the API's metrics (`resources/telemetry/metrics.py`), or the events that are counted.
Neighbours: above `tokens` and `resources`, which do not import this package. This package registers itself as an
observer of the events of `tokens`.

Read in this order:
- `catalog`: every metric of the issuer.
- `labels`: the values that a label can have.
- `events`: counts events of the audit trail, and logins that hash passwords.
- `state`, `issuer_state`: read the state of keys, caches, databases, revocation feed and jobs.
- `endpoints`: the endpoint of a request.
- `middleware`: measures requests, and starts the other modules when a worker process starts.
- `exposition`: serves /metrics from the main process.
"""
