"""The front of a serving process: an ASGI application that calls the process's WSGI application on threads.

Owns the checks before a request gets a thread, and the 503 if that thread is too slow: the header list as the client
sent it, the size and the deadline of a body, and which threads serve which path.

Bounds the whole request: queue, CPU, any database. `project.postgresql` bounds single waits for PostgreSQL, cancels the
statement and frees the thread, under any WSGI server. Neither replaces the other.

Does not own what a request means. The WSGI application (project.wsgi, resources.wsgi) answers the same under any other
WSGI server, without the guarantees of this package (docs/operations.md lists them).

In reading order: application, headers, body, environ, lanes, turn, abandoned, reply, refusals, refusal_log.
"""
