"""Tests of the front (project.front), the ASGI application in front of the WSGI application.

It runs in the process of the tests: it gets ASGI messages, and sends ASGI messages.
"""
