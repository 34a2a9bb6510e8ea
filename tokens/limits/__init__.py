"""Limits: how many requests a caller may send, and how many passwords are hashed at once.

Owns: counting in the shared cache, what happens if the cache fails, and the slots for password hashing.
Does not own: the caller for whom a request counts (`views.limits`, `views.caller`), or the answer 429 (`errors`).
Steps: this package is none of the seven steps in README.md, but protects steps 1 and 3.
Neighbours: imports `conf` and `settings` only.

Read in this order:
- `circuit`: remember that a dependency failed, so that not every request waits for it.
- `cache_circuit`: query the caches that all processes share.
- `counter_memory`: continue a counter that the cache lost.
- `rate_limit`: count requests by client, address, user or e-mail address.
- `password_slots`: bound concurrent password hashes over all processes.
"""
