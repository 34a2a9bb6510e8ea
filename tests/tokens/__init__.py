"""Tests of the issuer.

Read in this order:
- `factories`: clients, APIs, users and keys, and the requests of clients, users and browsers.
- `refresh_tokens`, `assertions`, `proofs`, `passkey`: the refresh tokens and keys of clients, the passkeys of users.
- `pages`: what holds for every HTML page.
- `events`: the audit events of a test.
- `feed_reader`: a reader of the revocation feed that shares no code with the issuer.
- `fuzz`: the limits of fuzz tests.
"""
