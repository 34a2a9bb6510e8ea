"""The issuer: authenticates users and clients, issues and revokes tokens, and publishes its public keys.

Owns: users, clients, APIs and their scopes, grants, signing keys, and every claim of a token.
Does not own: how an API verifies a token. That is the package `resources`; neither package imports the other.
Steps: of the seven steps in README.md, 1 (`login`), 2 (`authorize`), 3 (`clients`) and 4 (`issued`).

The packages and modules, from the top layer down. Each imports only those below it (tests/test_rooms.py):
- `apps`, `urls`: the Django app, and the URLs of its views.
- `views`, `admin`, `management`: the edges. They parse, call one function and answer.
- `templatetags`: tags of the pages' templates.
- `background`, `checks`, `metadata`: work between requests, checks of the installation, and metadata documents.
- `authorize`: authorization requests and consent. `grants`: the token endpoint. `revoking`: revocation. `registration`:
  clients and APIs.
- `factors`: second factors of users.
- `open_clients`: clients that register themselves. `recipes`: what to register for known programs, as data. `manifest`:
  the registry as a file. `handover`: imports, backup of keys, and the move to another database.
- `clients`: authenticates clients. `inspection`: examines any token. `userinfo`: returns a user's claims.
- `account`: sign-up, the e-mail addresses and sessions of users, and the applications that they allowed.
- `back_channel`: tells clients that a session ended.
- `dpop`: proofs that a client has the key that its tokens are bound to.
- `issued`: the content of tokens, and the check if a token is still accepted. `claims`: claims about users.
- `keys`: rotation of signing keys, and signing.
- `email_proof`: verified e-mail addresses. `login`: passwords. `parameters`: request parameters. `audit`: the audit
  trail. `migrations`, `models`: tables. `limits`: rate limits. `conf`: settings.
- `settings`: the settings as data, which `conf` reads. Pure.
- `keys/rules`, `keys/errors`, `jose`, `encryption`, `addresses`, `authentication_class`, `languages`: the lowest layer,
  pure.
- `page_text`: texts of these lower layers in the language of the page.
- `public_networks`, `deadline_response`, `outbound`: requests to addresses that clients or other issuers chose.
- `errors`, `database_errors`, `plain_sql`, `registry_lock`, `triggers`: the lowest layer, with I/O or Django.
- `proxy`: tests a proxy from outside, and imports no other package.
"""

__version__ = "0.1.0"
"""The version of Keyturn; pyproject.toml and the commands read it here."""
