"""Clients as they send requests: authenticated by a secret or by a private key of their own.

Owns: client authentication, secrets and their hashes, client assertions, clients' public keys, and the cached registry.
Does not own: adding clients (`registration`), what a client may have (`grants`), or the judgement of a JWK (`jose`).
Steps: 3 (`authentication`).
Neighbours: below `grants`, which authenticates a client before it issues. Fetches `jwks_uri` through `outbound`.

Read in this order:
- `registry`: clients with secrets, scopes and APIs, cached until the registry's version changes.
- `client_secret`: generate, hash and compare secrets.
- `assertion`: read and judge a JWT of a client (RFC 7523 section 3).
- `key_copy`, `jwks_uri`: keep a client's published keys, stale-while-revalidate; fetch them.
- `private_key_jwt`: verify an assertion and accept each `jti` once.
- `authentication`: one method per request, and one answer for every failure.
"""
