"""The issuer: authenticates users and clients, issues and revokes tokens, and publishes its public keys.

Owns: users, clients, APIs and their scopes, grants, signing keys, and every claim of a token.
Does not own: how an API verifies a token. That is `resources`, which is never imported here and never imports this.
Steps: 1 (`login`), 3 (`clients`) and 4 (`issued`).

Rooms from the top down; each imports only rooms below it (tests/test_rooms.py):
- `views`, `admin`, `management`: the edges. They parse, call one function and answer.
- `background`, `checks`, `metadata`: work between requests, checks of the installation, and metadata documents.
- `authorize`: asks the user. `grants`: the token endpoint. `revoking`: revocation. `registration`: clients and APIs.
- `clients`: authenticates clients. `inspection`: examines any token. `userinfo`: returns a user's claims.
- `issued`: the content of tokens, and the check if a token is still accepted.
- `keys`: rotation of signing keys, and signing.
- `login`, `parameters`, `audit`, `models`, `limits`, `conf`: tables, settings, and other code that all rooms share.
- `jose`, `keys/rules`, `outbound`, `encryption`, `addresses`, `errors`: the lowest layer; most of it is pure.
"""

__version__ = "0.1.0"
"""The version of Keyturn; pyproject.toml and the commands read it here."""
