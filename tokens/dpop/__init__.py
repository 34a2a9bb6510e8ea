"""DPoP: binds tokens to a key of the client, which proves with each request that it has the key (RFC 9449).

Owns: the checks of a proof, nonces, and the record of used proofs.
Does not own: the claim `cnf` (`issued.access_token`), the binding of codes and refresh tokens (`grants`), the check of
an access token's binding (`userinfo`). An API checks proofs on its own (`resources`).
Steps: this package is none of the seven steps in README.md, but step 3 calls it to verify proofs at the token endpoint.
Neighbours: `grants` and `userinfo` verify a proof, `metadata` publishes the algorithms.

Read in this order:
- `target_uri`: the normal form of the URL that a proof is for.
- `proof`: the numbered checks of RFC 9449 section 4.3, and the key's thumbprint.
- `nonce`: nonces that each process can generate and recognize without a database table.
- `replay`: accept each proof once, in all processes.
- `verifier`: verify the proof of a request to this issuer by its settings.
"""
