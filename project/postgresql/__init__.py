"""Django's PostgreSQL backend with deadlines (ENGINE `project.postgresql`): a request waits 3 s for a hanging database.

A frozen server still acknowledges packets, so neither a TCP timeout nor a server setting ends the wait. Only the client
can.

Rules:
- A request waits for its databases for two thirds of ANSWER_WITHIN in total. Commands and migrations have no bound.
- At the deadline, the statement is cancelled. If the server does not answer that either, the connection is closed.
- COMMIT carries its deadline to the server. A server that was frozen rolls back if it continues too late.
- A COMMIT that no standby acknowledged is an error, although the primary keeps it.
- After a server did not answer, requests fail at once, except one at a time that tries again (circuit).

These bounds are for single waits. `project.front` bounds the whole request, and abandons one that is late for another
reason (hashing, signing, another database).

In reading order: budget (how long a request may wait), circuit (who may try), attempt (a call with a deadline on a
thread), connection (psycopg's, bounded), driver (psycopg, connecting within bounds), base (Django's wrapper).
"""
