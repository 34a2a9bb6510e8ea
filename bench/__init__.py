"""Benchmarks: the cost of requests, starts, the revocation feed and the admin's lists, with targets and other systems.

Owns: the measurements behind `make bench`, `bench-quick`, `bench-verify`, `bench-feed`, `bench-admin`, `bench-growth`
and `bench-memory`, their targets, and the other systems (`peers`).
Does not own: tests. `make test` runs no benchmark, and a benchmark judges figures, not behaviour.
Steps: of the seven steps in README.md, measures 3 to 7.
Neighbours: imports any package, and uses servers and databases of `tests/services`. Nothing imports it.

Read in this order:
- `run`: `make bench`, which measures issuer and API beside other systems and an earlier build.
- `tables`, `rows`, `targets`: the kinds of request (rows) for each server, their HTTP requests, and their targets.
- `rounds`, `load`, `accounting`: interleaved rounds, the requests of a round, and the CPU time, memory and connections
  that the kernel counted.
- `node`: the start, the first request and the slowest answers of a whole issuer node.
- `backing`, `servers`, `issuers`, `fixtures`: PostgreSQL and Redis, the servers, the issuers, and what is registered.
- `peers`, `packages`: the other systems, and the versions of their packages.
- `report`, `figures`, `chart`: the results as lines, verdicts and a picture.
- `server_choice`: compares the servers under which the issuer can run.
- `verify`, `dpop`, `faulty_issuer`: the cost of verification for an API, also with DPoP and during issuer faults.
- `feed`, `issuer_feed`, `feed_before`, `shared`: the revocation feed of this build and of an earlier one.
- `api_feed`, `token_check`: what the feed costs an API.
- `revocation_rows`, `stalls`, `readers`, `priority`: many revocations, the waits of other requests, readers of a feed,
  and real-time priority for a process.
- `purge`, `admin_lists`: `purge_tokens` and the admin's lists on full tables.
- `growth`, `full_tables`, `endpoints`, `pairs`: the latency of each endpoint with few and with many rows in the tables.
- `memory`: the memory of an issuer and of an API while they answer many requests.
"""
