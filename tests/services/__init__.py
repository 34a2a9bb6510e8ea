"""Tests that use PostgreSQL and Redis. They fail if these are not installed.

Read in this order:
- `cluster`, `redis_server`, `rabbitmq`: a PostgreSQL, a Redis and a RabbitMQ that a test can freeze, stop and fill.
- `proxy`: a TCP proxy that a test can close. `tripwire`: a TCP proxy that runs code just before a statement.
- `nodes`, `deployment`, `outages`: issuers whose clocks differ, issuers with APIs, and an issuer during outages.
- `steps`, `signatures`: commands that are killed at a statement, and processes that sign.
- `endpoint_costs`, `hot_plans`: costs of requests, and how PostgreSQL executes the statements of requests.
"""
