"""Tests of the front (project.front). It runs in this process: ASGI messages in, ASGI messages out."""
