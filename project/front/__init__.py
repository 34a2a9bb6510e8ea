"""The front of a serving process: an ASGI application that calls the process's WSGI application on threads.

Owns:
- the checks before a request gets a thread: the header list as the client sent it, the size and the deadline of a body;
- the assignment of paths to threads;
- the 503 if a thread does not answer in time. This bounds the whole request: queue, CPU and any database.

Does not own:
- the meaning of a request. The WSGI application (project.wsgi, resources.wsgi) gives the same answers under any other
  WSGI server, without the guarantees of this package (docs/operations.md lists them);
- single waits for PostgreSQL. `project.postgresql` bounds them, cancels the statement and frees the thread, under any
  WSGI server. Neither package replaces the other.

In reading order: application, headers, body, environ, lanes, turn, abandonment, reply, refusals, refusal_log.
"""
