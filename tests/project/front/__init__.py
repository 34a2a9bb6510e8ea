"""Tests of the front, which run in this process: ASGI messages in, ASGI messages out."""
