"""System checks: refuse to start with unsafe settings, and warn about risky ones.

Owns: Django's system checks, the report on the health of key rings and encrypting keys, and the judgement of
readiness.
Does not own: parsing of settings (`conf`).
Steps: this package is none of the seven steps in README.md.
Neighbours: registered by `apps`; the command `keys` prints `key_health`; /readyz answers with `readiness`.

Read in this order:
- `oauth`: the issuer's URL and the toolkit's switches.
- `key`: KEY_ENCRYPTION_KEYS, timings and key rings (tag `keys`).
- `ring_health`: problems of one key ring, with remedies.
- `key_health`: problems of all key rings and of the encrypting keys, with remedies.
- `readiness`: whether this process can issue tokens, for /readyz.
- `client`: clients that are less strict than the default, or whose ID tokens no ring can sign (tag `clients`).
- `claims`: the settings of claims about users.
- `fapi2_configuration`, `fapi2_judges`: the configuration that the report on FAPI 2.0 examines; the functions that
  return what the configuration lacks.
- `fapi2_network`, `fapi2_general`, `fapi2_flows`, `fapi2_cryptography`: the clauses, by section of the profile.
- `fapi2_clauses`, `conformance`: all clauses, and which of them are met.
- `cache`: the Redis of rate-limit counters answers and does not evict (tag `cache`).
- `durability`: PostgreSQL keeps acknowledged transactions.
- `admin`: requests can reach the host of the admin.
- `place`: the file with the city and country of an address can be read.
"""
