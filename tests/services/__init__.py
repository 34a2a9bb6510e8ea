"""Tests that use PostgreSQL and Redis. They fail if these are not installed.

Read in this order:
- `cluster`, `redis_server`, `rabbitmq`: servers of the tests' own. A test can freeze, stop and fill them.
- `proxy`, `tripwire`: TCP proxies. A test can close them, or make them run code just before a statement.
- `nodes`, `deployment`, `outages`: issuers on one database: with clocks that differ, with APIs, and during an outage.
- `steps`, `signatures`: commands that are killed at a statement, and processes that sign.
- `endpoint_costs`, `hot_plans`: what requests cost, and how PostgreSQL executes their statements.
"""
