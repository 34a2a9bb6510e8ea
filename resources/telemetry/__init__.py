"""Lets operators observe the processes of an API: counts, metrics, and the ids of a request in the logs.

Owns: the counts of tokens, the metrics of an API and their export, and the rules for ids of requests and traces.
Does not own: the middleware that sets the ids (`request_ids`), or who may see the state (`operator`, `views`).
Steps: this package is none of the seven steps in README.md.
Neighbours: imports `errors` only.

Read in this order:
- `trace_context`: the ids of a request and of its trace (W3C Trace Context).
- `metrics`: the metrics, which do nothing until they are exported.
- `counters`: accepted and refused tokens, by reason.
- `prometheus`: export by prometheus_client, which is optional.
"""
