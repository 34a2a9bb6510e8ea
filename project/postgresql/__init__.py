"""Django's PostgreSQL backend with deadlines (ENGINE `project.postgresql`), for requests whose database hangs.

A frozen server still acknowledges packets, so neither a TCP timeout nor a server setting ends the wait. Only the client
can end it.

Rules:
- A request waits for its databases for at most two thirds of ANSWER_WITHIN in total. Commands and migrations have no
  bound.
- At the deadline, the statement is cancelled. If the server does not answer that either, the connection is closed.
- A COMMIT has a deadline that the server checks. A server that was frozen rolls back if it continues too late.
- A COMMIT that no standby acknowledged is an error, although the primary keeps it.
- After a server did not answer, requests fail at once, except for one request at a time that tries again (circuit).

Owns: the deadline of each wait for PostgreSQL, and the connections that threads share.
Does not own: which databases there are (`settings`), or the deadline of a request (`front`).
Neighbours: below `background`, which bounds its reads by `budget`. Imports nothing of `tokens` and `resources`.

These bounds are for single waits. `project.front` bounds the whole request, and abandons a request that is late for
another reason (hashing, signing, another database).

Read in this order:
- `budget`: how long a request may wait.
- `circuit`: which threads may try a server that did not answer.
- `errors`: deadlines that passed, and calls that were not tried.
- `attempt`: a call with a deadline on a thread.
- `connection`: psycopg's connection, bounded.
- `driver`: psycopg, which connects within bounds.
- `pool`: the connections that threads share.
- `thread_cursor`: the cursor that a thread keeps.
- `base`: Django's wrapper.
"""
