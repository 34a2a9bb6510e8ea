"""The issuer: authenticates users and clients, issues and revokes tokens, and publishes its public keys.

Owns: users, clients, APIs and their scopes, grants, signing keys, and every claim of a token.
Does not own: how an API verifies a token. That is `resources`, which is never imported here and never imports this.
Steps: 1 (`login`), 3 (`clients`) and 4 (`issued`).

Rooms from the top down; each imports only rooms below it (tests/test_rooms.py):
- `apps`, `urls`: the Django app, and the URLs of its views.
- `views`, `admin`, `management`: the edges. They parse, call one function and answer.
- `templatetags`: tags of the pages' templates.
- `background`, `checks`, `metadata`: work between requests, checks of the installation, and metadata documents.
- `authorize`: asks the user. `grants`: the token endpoint. `revoking`: revocation. `registration`: clients and APIs.
- `factors`: second factors of users.
- `open_clients`: clients that register themselves. `recipes`: what programs need, as data. `manifest`: the registry as
  a file. `handover`: imports, backup of keys, and the move to another database.
- `clients`: authenticates clients. `inspection`: examines any token. `userinfo`: returns a user's claims.
- `account`: the sessions of users and the applications that they allowed.
- `back_channel`: tells clients that a session ended.
- `dpop`: proofs that a client has the key that its tokens are bound to.
- `issued`: the content of tokens, and the check if a token is still accepted. `claims`: claims about users.
- `keys`: rotation of signing keys, and signing.
- `email_proof`, `login`, `parameters`, `audit`, `migrations`, `models`, `limits`, `conf`: verified e-mail addresses,
  passwords, tables, settings, and other code that rooms share.
- `brand`, `open_client_settings`, `rate_settings`, `request_settings`, `redirect_allow_list`: parts of the settings,
  pure. They stand here because `conf` parses them, and a room such as `open_clients` is above `conf`.
- `keys/rules`, `keys/errors`, `jose`, `encryption`, `addresses`, `authentication_class`, `languages`: the lowest layer,
  pure.
- `page_text`: texts of these rooms in the language of the page.
- `public_networks`, `deadline_response`, `outbound`: requests to addresses that others chose.
- `errors`, `database_errors`, `registry_lock`, `triggers`: the lowest layer, with I/O or Django.
- `proxy`: tests a proxy from outside, and imports no other room.
"""

__version__ = "0.1.0"
"""The version of Keyturn; pyproject.toml and the commands read it here."""
