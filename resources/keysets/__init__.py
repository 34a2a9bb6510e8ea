"""Finds, fetches and caches the public keys of an issuer.

Owns: the metadata and the JWKS of an issuer, the cached keys, their timings, single-flight fetches, and pinned keys.
Does not own: the judgement of a key (`jose.jwk`), or which issuers are trusted (`issuers`).
Steps: this package is none of the seven steps in README.md, but step 6 finds the key of a token here.
Neighbours: imports `jose`, `outbound`, `thread_limit` and `errors`. Everything except `discovery` is pure: fetch and
clock are arguments.

Read in this order:
- `token_bucket`: a rate limit, against floods of unknown `kid`.
- `flight`: which request starts a fetch, how many requests wait for it, and when a failed fetch is retried.
- `key_policy`: how long keys are used, and how often they are fetched.
- `keyset`: the cached keys of one issuer.
- `key_pins`: keys from the settings, with the same interface.
- `discovery`: fetch an issuer's metadata and JWKS (RFC 8414).
"""
