"""Register clients, APIs and exchange policies. Each function records an audit event.

Owns: adding a client, an API or an exchange policy, rotating client secrets, and the data of the demo and of
certification runs.
Does not own: the tables and their validation (`models`), or the cache that requests read (`clients.registry`).
Steps: this is none of the seven in README.md, but steps 2 and 3 need the clients and APIs registered here.
Neighbours: imports `addresses`, `audit`, `authentication_class`, `clients`, `conf`, `email_proof`, `issued`, `jose`,
`keys`, `languages`, `models`, `registry_lock` and `settings` only. `registry_lock` bounds how long a change waits.

Read in this order:
- `less_strict`: the settings of a client that are less strict than the default, as columns and as sentences.
- `client`: register a client.
- `delegation`: rights of a client that an administrator can give only with a special permission.
- `state`: the registered state of a client or an API, as plain values.
- `option_columns`: the client columns in which the options of a recipe are stored.
- `kinds`: for each kind of client, the questions to the operator and the values that the kind implies.
- `secret_rotation`: add, expire and revoke client secrets.
- `api`: register an API and its scopes.
- `repeat`: register a client or an API unless it is there already.
- `result`: register by `repeat`, and return the texts that `create_client` and `create_api` print.
- `exchange_policy`: allow a client to use token exchange for an API, or forbid it.
- `certification`: clients and user of the OpenID certification plans.
- `certification_plan`: the configuration of the conformance suite for these plans.
- `fapi2_certification`: clients and user of the certification plan of FAPI 2.0.
- `demo`: create the demo's users, clients and API; idempotent.
"""
