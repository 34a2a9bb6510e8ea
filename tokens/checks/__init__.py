"""System checks: the issuer does not serve under settings that break its promises.

Owns: Django's checks by tag, and the report on the health of rings and encrypting keys.
Does not own: parsing of settings (`conf`).
Steps: none.
Neighbours: registered by `apps`; the command `keys` prints `key_health`.

Read in this order:
- `oauth`: claims of tokens and the toolkit's switches.
- `key`: KEY_ENCRYPTION_KEYS, timings and rings (tag `keys`).
- `key_health`: what is wrong with rings and encrypting keys, and what to do.
- `cache`: caches of counters answer and do not evict (tag `cache`).
- `durability`: PostgreSQL keeps acknowledged transactions.
"""
