"""Tests of the resource server. They do not use the issuer's code.

Read in this order:
- `loopback`: an issuer, correct or faulty, whose answers a test defines.
- `gateway`: raw WSGI requests to the API in this process.
- `api_process`, `asgi`: the API as in production, and with an event loop.
- `rotation_worker`: a server that forks after it fetched the keys.
- `feeds`: documents of a revocation feed.
"""
