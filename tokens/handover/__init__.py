"""Moves data into the issuer, out of the issuer, and to another database (docs/moving.md).

Owns: imports of users and of django-oauth-toolkit's data, the copy of a whole database, and the backup of signing keys.
Does not own: the registry as a file (`manifest`), or how tokens and keys work (`issued`, `keys`).
Steps: this package is none of the seven steps in README.md.
Neighbours: imports `audit`, `clients`, `conf`, `database_errors`, `email_proof`, `encryption`, `errors`, `issued`,
`jose`, `keys`, `keys/errors`, `keys/rules`, `login`, `models`, `registration` and `registry_lock` only. Imported by
`management` only.

Read in this order:
- `dump`: read a file of `dumpdata` row by row. Pure.
- `dump_user`, `user_import`: read one user of a dump; import users with their password hashes.
- `other_database`: connect to another database by its URL, and translate its errors.
- `toolkit_rows`: read the tables of django-oauth-toolkit.
- `toolkit_report`: the options and the result of an import from django-oauth-toolkit.
- `toolkit_client`, `toolkit_token`: register one application; store one refresh token.
- `toolkit`: import all applications and refresh tokens of the toolkit.
- `former_key`: publish the RSA key of another issuer.
- `key_backup`: seal the signing keys and their encrypting keys in a file.
- `database_copy`: copy a database to PostgreSQL, and compare every row.
"""
