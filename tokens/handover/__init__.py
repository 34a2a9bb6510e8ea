"""Moves into the issuer, out of it, and to another database (docs/moving.md).

Owns: imports of users and of django-oauth-toolkit's data, the copy of a whole database, and the backup of signing keys.
Does not own: the registry as a file (`manifest`), or how tokens and keys work (`issued`, `keys`).
Steps: none.
Neighbours: imports `audit`, `conf`, `email_proof`, `encryption`, `issued`, `jose`, `keys`, `login`, `models`,
`registration` and `registry_lock`; commands call it.

Read in this order:
- `dump`: read a file of `dumpdata` row by row. Pure.
- `user_import`: import users with their password hashes.
- `other_database`: connect to another database by its URL.
- `toolkit_rows`: read the tables of django-oauth-toolkit.
- `toolkit`: import its applications and refresh tokens.
- `former_key`: publish the RSA key of another issuer.
- `key_backup`: seal the signing keys and their encrypting keys in a file.
- `database_copy`: copy a database to PostgreSQL, and compare every row.
"""
