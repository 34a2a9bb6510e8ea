"""The tokens and grants that the issuer issues: their content, and whether they are still accepted.

Owns: access, ID and refresh tokens, the scopes that a token gets at an API, users' grants, and records of revocations.
Does not own: the decision who gets a token (`grants`, `authorize`), keys (`keys`), or the revocation feed (`revoking`).
Steps: of the seven steps in README.md, 4 (`access_token`).
Neighbours: below everything that issues, reads or revokes tokens; above `keys`, which signs.

Read in this order:
- `audience`: the API and scopes of a token, and how a client's request resolves to them.
- `membership`: scopes that only members of a group get.
- `login`, `actor`, `holder`: the user's login, the clients that act for the user, and the subject of a token.
- `jws`, `access_token`, `id_token`: serialise and sign (RFC 9068, OpenID Connect Core section 2).
- `flush_token`: an invalid token that makes verifiers fetch the JWKS again.
- `one_time`, `refresh_text`, `refresh_token`: random codes, and refresh tokens in families.
- `refresh_rotation`: replace a refresh token by its successor, and detect reuse.
- `row_statements`, `row_join`: write single rows by plain SQL, and read a row with related rows.
- `uuid7`: identifiers that grow with time.
- `user_grant`: what a user allowed a client; the lock order is user, then grant.
- `revocation_key`, `revocation_record`: the lookup keys of revocations, and the records of revocations.
- `token_reader`, `token_status`: read a presented token, and look up whether it is still accepted.
"""
