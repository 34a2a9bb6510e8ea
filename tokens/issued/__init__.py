"""What the issuer issues: the claims of its tokens, and whether a token or a grant is still accepted.

Owns: access, ID and refresh tokens, authorization of scopes per API, users' grants, and the records of revocation.
Does not own: who may have a token (`grants`, `authorize`), keys (`keys`), or the revocation feed (`revoking`).
Steps: 4 (`access_token`).
Neighbours: below everything that issues, reads or revokes tokens; above `keys`, which signs.

Read in this order:
- `audience`: the API and scopes of a token, and how a client's request resolves to them.
- `membership`: scopes that only members of a group get.
- `login`, `actor`, `holder`: the user's login, who acts for the user, and whom a token speaks for.
- `jws`, `access_token`, `id_token`: serialise and sign (RFC 9068, OpenID Connect Core section 2).
- `flush_token`: an invalid token that makes verifiers fetch the JWKS again.
- `one_time`, `refresh_text`, `refresh_token`: random codes, and refresh tokens in families.
- `refresh_rotation`: replace a refresh token by its successor, and detect reuse.
- `row_statements`: write single rows by plain SQL.
- `user_grant`: what a user allowed a client; the lock order is user, then grant.
- `revocation_key`, `revocation_record`, `revocation_second`: which entry covers which token, the records, and the
  second in which nothing may be issued.
- `token_reader`, `token_status`: read a presented token, and look up whether it is still accepted.
"""
