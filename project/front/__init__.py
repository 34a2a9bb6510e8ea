"""The front of a serving process: an ASGI application that calls the process's WSGI application on threads.

Owns:
- the checks before a request gets a thread: the header list as the client sent it, the size and the deadline of a body;
- the assignment of paths to threads;
- the 503 if a thread does not answer in time, which bounds the whole request: queue, CPU and any database.

Does not own:
- the meaning of a request. The WSGI application (project.wsgi, resources.wsgi) gives the same answers under any other
  WSGI server, without the guarantees of this package (docs/operations.md lists them);
- the time limit of each wait for PostgreSQL. `project.postgresql` sets it, cancels the statement and frees the thread,
  under any WSGI server. A deployment needs both packages.

Neighbours: `launch.serve` starts this package. This package loads the WSGI application, and imports nothing of
`tokens`.

Read in this order:
- `application`: the ASGI application.
- `headers`, `body`, `wsgi_environ`: the checks before a request gets a thread, and what the WSGI application gets.
- `lanes`: threads and a queue for each kind of request.
- `wsgi_call`: one call of the WSGI application, between the event loop and a thread.
- `turn`, `abandonment`: either the thread answers or the front does, and an abandoned request changes nothing.
- `reply`: collects the answer.
- `refusals`, `refusal_log`: the front's own answers, and their lines in the log.
"""
