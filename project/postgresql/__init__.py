"""Django's PostgreSQL backend with deadlines (ENGINE `project.postgresql`), for requests whose database hangs.

A frozen server still acknowledges packets, so neither a TCP timeout nor a server setting ends the wait. Only the client
of the database can end it.

Rules:
- A request waits for its databases for at most two thirds of ANSWER_WITHIN in total. A page of the admin waits for at
  most two thirds of ANSWER_WITHIN per statement, and `budget.ADMIN_REQUEST` in total. Commands and migrations have no
  bound.
- At the deadline, the statement is cancelled. If the server does not answer the cancel request, the connection is
  closed.
- A COMMIT has a deadline that the server checks. A frozen server that continues after the deadline rolls back.
- A COMMIT that no standby acknowledged is an error, although the primary has committed the transaction.
- After a server did not answer, requests fail at once. Only one request at a time tries the server again (`circuit`).

Owns: the deadline of each wait for PostgreSQL, and the connections that threads share.
Does not own: which databases there are (`settings`), or the deadline of a request (`front`).
Neighbours: below `background`, which bounds its reads by `budget`. Imports nothing of `tokens` and `resources`.

These bounds apply to waits for PostgreSQL. `project.front` bounds the whole request, and abandons a request that is
late for another reason (hashing, signing, another database).

Read in this order:
- `budget`: how long a request may wait.
- `circuit`: which threads may try a server that did not answer.
- `errors`: the exceptions, such as a passed deadline.
- `attempt`: a call with a deadline on a thread.
- `connection`: psycopg's connection with deadlines.
- `driver`: the module psycopg with a deadline for `connect`.
- `pool`: the connections that threads share.
- `thread_cursor`: the cursor that a thread keeps.
- `base`: Django's DatabaseWrapper with deadlines.
"""
