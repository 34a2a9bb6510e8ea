"""Tests of the front (project.front), the ASGI application in front of the WSGI application.

The front runs in the process of the tests. The tests send it ASGI messages, and read the ASGI messages that it sends.
"""
