"""The front of a serving process: an ASGI application that calls the process's WSGI application on threads.

Owns what must hold before a thread is used and after it was too slow: the header list as the client sent it, the size
and the deadline of a body, which threads serve which path, and the 503 if there is no answer in time.

Does not own what a request means: the WSGI application (project.wsgi, resources.wsgi) answers the same under any other
WSGI server, without the guarantees of this package (docs/operations.md lists them).

In reading order: application, headers, body, environ, lanes, turn, reply, refusals.
"""
