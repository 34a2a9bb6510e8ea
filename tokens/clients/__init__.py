"""Client authentication by a secret or by the client's private key.

Owns: client authentication, secrets and their hashes, client assertions, clients' public keys, and the cached registry.
Does not own: adding clients (`registration`), the scopes that a client may get (`grants`), or checking a JWK (`jose`).
Steps: of the seven steps in README.md, 3 (`authentication`).
Neighbours: above `issued`, `jose` and `models`. Fetches `jwks_uri` through `outbound`.

Read in this order:
- `registry`: clients with secrets, scopes and APIs, cached until the registry's version changes.
- `client_secret`: generate, hash and compare secrets.
- `foreign_secret`: imported secrets, which have a slow hash.
- `assertion`: read, verify and check a JWT of a client (RFC 7523 section 3).
- `request_object`: read, verify and check a signed authorization request (RFC 9101).
- `key_copy`: a cached copy of the keys at one address, stale-while-revalidate.
- `jwks_uri`: fetch and cache the keys that clients publish.
- `private_key_jwt`: verify an assertion and accept each `jti` once.
- `authentication`: authenticate the client by one method per request, with the same answer for every failure.
- `second_try`: recognize a client that repeats a refused request with its secret in the body.
"""
