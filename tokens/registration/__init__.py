"""Register clients, APIs and exchange policies. Each function records an audit event.

Owns: adding a client, an API or an exchange policy, rotating client secrets, and the data of the demo and of
certification runs.
Does not own: the tables and their validation (`models`), or the cache that requests read (`clients.registry`).
Steps: none; it prepares 2 and 3.
Neighbours: imports `audit`, `clients`, `email_proof`, `issued`, `jose`, `keys` and `models`. `registry_lock` bounds how
long a change waits.

Read in this order:
- `less_strict`: the switches of a client that are less strict than the default, in words.
- `client`: register a client.
- `delegation`: rights of a client for which an administrator needs a permission of its own.
- `state`: what is registered for a client or an API, as plain values.
- `repeat`: find out if a registration is there already.
- `kinds`: what an operator is asked for a client of a kind, and what follows from it.
- `secret_rotation`: add and end client secrets.
- `api`: register an API and its scopes.
- `exchange_policy`: let a client exchange users' tokens for an API.
- `certification`, `certification_plan`: clients and user of the OpenID certification plans; the suite's configuration.
- `fapi2_certification`: the same for the plan of FAPI 2.0.
- `demo`: create the demo's users, clients and API; idempotent.
"""
