"""Django's PostgreSQL backend with deadlines (ENGINE `project.postgresql`): a database that hangs costs a request 3 s.

A frozen server still acknowledges packets, so no TCP timeout and no server setting ends the wait. Only the client can.
Rules:
- A request waits for its databases for two thirds of ANSWER_WITHIN in total; commands and migrations have no bound.
- At the deadline the statement is cancelled. A server that does not answer the cancel either loses the connection.
- COMMIT carries its own deadline to the server. A server that was frozen and wakes later rolls back.
- A COMMIT that no standby acknowledged is an error, although the primary keeps it.
- After a server did not answer, requests fail at once, except one at a time that tries again (circuit).

These bounds are for single waits. `project.front` bounds the whole request, and abandons one that is late for another
reason (hashing, signing, another database).

In reading order: budget (how long a request may wait), circuit (who may try), attempt (a call with a deadline on a
thread), connection (psycopg's, bounded), driver (psycopg, connecting within bounds), base (Django's wrapper).
"""
